import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { PrismaPg } from '@prisma/adapter-pg';
import type { PoolConfig } from 'next-puff/config';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import { postgres } from 'next-puff/postgres';
import { PrismaPuff } from 'next-puff/prisma';
import { PrismaClient } from '../generated/client/client.ts';
import { PrismaClient as JoinsClient } from '../generated/joins/client.ts';

export { JoinsClient, PrismaClient };

/** A PostgreSQL server with the tables of `schema.prisma` for one test file, and clients of it. */
export class TestDatabase {
  #server: TemporaryPostgres | undefined;
  readonly #pools: Record<string, PoolConfig> = {};
  readonly #clients: { $disconnect(): Promise<void> }[] = [];

  get url(): string {
    if (this.#server === undefined) throw new Error('the server is not running yet');
    return this.#server.url;
  }

  async start(settings: Record<string, string>): Promise<void> {
    this.#server = await startTemporaryPostgres({ settings });
    process.env.DATABASE_URL = this.url;
    await postgres.script(readFileSync(join(import.meta.dirname, 'schema.sql'), 'utf8'));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.$disconnect()));
    await postgres.end();
    await this.#server?.stop();
  }

  /** The name of a pool that no other test uses. */
  pool(config: PoolConfig = {}): string {
    const name = `pool-${Object.keys(this.#pools).length + 1}`;
    this.#pools[name] = { url: this.url, ...config };
    const settings = {
      postgres: { pools: this.#pools },
      requests: { deadlineMs: 30_000, transaction: false },
    };
    process.env.NEXT_PUFF_CONFIG = JSON.stringify({ publisher: 'cli', settings });
    return name;
  }

  /** A client on the default pool, or on the pool of that name. */
  client(pool?: string): PrismaClient {
    const adapter = new PrismaPuff(pool === undefined ? {} : { pool });
    return this.#keep(new PrismaClient({ adapter }));
  }

  /** The same with `relationJoins`. */
  joinsClient(): JoinsClient {
    return this.#keep(new JoinsClient({ adapter: new PrismaPuff() }));
  }

  /** A client on `@prisma/adapter-pg`, to compare with. */
  reference(): PrismaClient {
    // In any other time zone adapter-pg shifts the times that it writes and reads.
    const config = { connectionString: this.url, options: '-c timezone=UTC' };
    return this.#keep(new PrismaClient({ adapter: new PrismaPg(config) }));
  }

  async clear(): Promise<void> {
    await postgres.script(
      'truncate users, "Profile", "Post", "Tag", "_PostToTag", "Comment", "Everything", "Reading" restart identity',
    );
  }

  #keep<T extends { $disconnect(): Promise<void> }>(client: T): T {
    this.#clients.push(client);
    return client;
  }
}

/** Gives a test file its own server. */
export function testDatabase(settings: Record<string, string> = {}): TestDatabase {
  const database = new TestDatabase();
  beforeAll(() => database.start(settings), 30_000);
  afterAll(() => database.stop(), 30_000);
  return database;
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
