import { afterAll, beforeAll } from '@jest/globals';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';

/** A PostgreSQL server for one test file. */
export interface TestServer {
  readonly url: string;
  /** Registers what has to end before the server does. */
  beforeStop(end: () => Promise<void>): void;
}

/** Gives a test file its own server. */
export function testServer(settings: Record<string, string> = {}): TestServer {
  let server: TemporaryPostgres | undefined;
  const users: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    server = await startTemporaryPostgres({ settings });
  }, 30_000);
  afterAll(async () => {
    await Promise.all(users.map((end) => end()));
    await server?.stop();
  }, 30_000);
  return {
    beforeStop: (end) => users.push(end),
    get url() {
      if (server === undefined) throw new Error('the server is not running yet');
      return server.url;
    },
  };
}
