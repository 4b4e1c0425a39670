import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, jest } from '@jest/globals';
import type { PoolConfig } from 'next-puff/config';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import { type Postgres, postgres } from 'next-puff/postgres';
import pg from 'pg';

/** A PostgreSQL server for one test file, and pools on it. */
export class TestServer {
  #server: TemporaryPostgres | undefined;
  readonly #pools: Record<string, PoolConfig> = {};

  /** The server, once it runs. */
  get postgres(): TemporaryPostgres {
    if (this.#server === undefined) throw new Error('the server is not running yet');
    return this.#server;
  }

  get url(): string {
    return this.postgres.url;
  }

  /** Starts it, and makes it the default pool's. */
  async start(settings: Record<string, string>): Promise<void> {
    this.#server = await startTemporaryPostgres({ settings });
    process.env.DATABASE_URL = this.url;
    this.#publish();
  }

  async stop(): Promise<void> {
    await postgres.end();
    await this.#server?.stop();
  }

  /** A pool that no other test uses. */
  pool(config: PoolConfig = {}): Postgres {
    const name = `pool-${Object.keys(this.#pools).length + 1}`;
    this.#pools[name] = { url: this.url, ...config };
    this.#publish();
    return postgres.pool(name);
  }

  /** Runs a statement past the code under test, with node-postgres. */
  async inspect<T = Record<string, unknown>>(text: string, values: unknown[] = []): Promise<T[]> {
    const client = new pg.Client({ connectionString: this.url, application_name: 'inspector' });
    client.on('error', () => {}); // a connection that breaks fails its query as well
    await client.connect();
    try {
      return (await client.query(text, values)).rows as T[];
    } finally {
      await client.end();
    }
  }

  /** How many connections next-puff has to the server. */
  async connections(): Promise<number> {
    const [row] = await this.inspect<{ count: number }>(
      `select count(*)::int from pg_stat_activity where application_name = 'next-puff'`,
    );
    return row?.count ?? 0;
  }

  /** How many of them run a statement that contains the text. */
  async running(text: string): Promise<number> {
    const [row] = await this.inspect<{ count: number }>(
      `select count(*)::int from pg_stat_activity
       where application_name = 'next-puff' and state = 'active' and strpos(query, $1) > 0`,
      [text],
    );
    return row?.count ?? 0;
  }

  /** How many of them are in a transaction. */
  async openTransactions(): Promise<number> {
    const [row] = await this.inspect<{ count: number }>(
      `select count(*)::int from pg_stat_activity
       where application_name = 'next-puff' and state like 'idle in transaction%'`,
    );
    return row?.count ?? 0;
  }

  #publish(): void {
    const settings = {
      postgres: { pools: this.#pools },
      requests: { deadlineMs: 30_000, transaction: false },
    };
    process.env.NEXT_PUFF_CONFIG = JSON.stringify({ publisher: 'cli', settings });
  }
}

/** Gives a test file its own server. */
export function testServer(settings: Record<string, string> = {}): TestServer {
  const server = new TestServer();
  jest.setTimeout(30_000); // for busy machines; tests that are about time measure it
  beforeAll(() => server.start(settings));
  afterAll(() => server.stop());
  return server;
}

/** Waits until the condition holds; fails after five seconds, saying what did not come true. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within 30 s: ${what}`);
    await sleep(10);
  }
}

/** The error that a promise rejects with; fails when it resolves. */
export async function errorOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('value' in outcome) throw new Error(`resolved with ${JSON.stringify(outcome.value)}`);
  return outcome.error as Error & Record<string, unknown>;
}
