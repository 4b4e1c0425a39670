import { afterAll, beforeAll } from '@jest/globals';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';

/** A PostgreSQL server for one test file. */
export interface TestServer {
  readonly url: string;
}

/** Gives a test file its own server. */
export function testServer(settings: Record<string, string> = {}): TestServer {
  let server: TemporaryPostgres | undefined;
  beforeAll(async () => {
    server = await startTemporaryPostgres({ settings });
  }, 30_000);
  afterAll(() => server?.stop(), 30_000);
  return {
    get url() {
      if (server === undefined) throw new Error('the server is not running yet');
      return server.url;
    },
  };
}
