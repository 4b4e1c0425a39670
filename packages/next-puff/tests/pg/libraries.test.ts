// Libraries that are written for node-postgres, on next-puff/pg.
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from '@jest/globals';
import { createPostgresBackend, runMigrations, withBackend } from 'bullmq';
import connectPgSimple from 'connect-pg-simple';
import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { date, integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import session from 'express-session';
import knex from 'knex';
import { Kysely, PostgresDialect } from 'kysely';
import * as pg from 'next-puff/pg';
import { Pool } from 'next-puff/pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import { runWithPatchedPg } from './support/program.ts';
import { testServer } from './support/server.ts';

const server = testServer();
let pool: Pool;

beforeAll(async () => {
  pool = new Pool({ connectionString: server.url });
  await pool.query(`create table people (
    id int generated always as identity primary key, name text not null, age int,
    born timestamptz, day date, extra jsonb)`);
});

server.beforeStop(() => pool.end());

test('Drizzle selects, inserts and runs transactions', async () => {
  const people = pgTable('people', {
    id: integer().generatedAlwaysAsIdentity().primaryKey(),
    name: text().notNull(),
    age: integer(),
    born: timestamp({ withTimezone: true }),
    day: date(),
    extra: jsonb(),
  });
  const db = drizzle({ client: pool });
  const born = new Date('1984-02-29T12:00:00Z');
  const [inserted] = await db
    .insert(people)
    .values({ name: 'Drizzle', age: 41, born, day: '1984-02-29', extra: { a: [1, null] } })
    .returning();
  expect(inserted).toMatchObject({ age: 41, born, day: '1984-02-29', extra: { a: [1, null] } });
  await expect(
    db.transaction(async (tx) => {
      await tx.update(people).set({ age: 1 }).where(eq(people.name, 'Drizzle'));
      tx.rollback();
    }),
  ).rejects.toThrow();
  const [row] = await db.select({ age: people.age }).from(people).where(eq(people.name, 'Drizzle'));
  expect(row).toEqual({ age: 41 });
  const counted = await db.execute(
    sql`select count(*)::int as n from people where name = ${'Drizzle'}`,
  );
  expect(counted.rows).toEqual([{ n: 1 }]);
});

test('Kysely selects, streams and runs transactions', async () => {
  interface Database {
    people: { id: number; name: string; age: number | null };
  }
  const own = new Pool({ connectionString: server.url });
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: own, cursor: Cursor }) });
  const people = Array.from({ length: 25 }, (_, index) => ({
    name: `Kysely ${index}`,
    age: index,
  }));
  await db.transaction().execute(async (tx) => {
    const result = await tx
      .insertInto('people')
      .values(people as never)
      .executeTakeFirst();
    expect(result.numInsertedOrUpdatedRows).toBe(25n);
  });
  const ages: unknown[] = [];
  const query = db
    .selectFrom('people')
    .select('age')
    .where('name', 'like', 'Kysely %')
    .orderBy('age');
  for await (const { age } of query.stream(10)) ages.push(age);
  expect(ages).toEqual(people.map(({ age }) => age));
  await db.destroy();
});

test('Knex runs its own pool of clients', async () => {
  class OnPuff extends knex.knex.Client {}
  const dialect = (await import('knex/lib/dialects/postgres/index.js')).default as typeof OnPuff;
  class PuffDialect extends dialect {
    _driver() {
      return pg;
    }
  }
  const db = knex({ client: PuffDialect as never, connection: server.url });
  const [{ id }] = await db('people').insert({ name: 'Knex', age: 5 }).returning('id');
  await expect(
    db.transaction(async (tx) => {
      await tx('people').where({ id }).update({ age: 6 });
      throw new Error('undo');
    }),
  ).rejects.toThrow('undo');
  expect(await db('people').where({ id }).first('name', 'age')).toEqual({ name: 'Knex', age: 5 });
  expect(await db.schema.hasTable('people')).toBe(true);
  await expect(db('people').insert({ age: 1 })).rejects.toMatchObject({ code: '23502' });
  await db.destroy();
});

test('@prisma/adapter-pg queries and runs transactions', async () => {
  // It knows a pool by its class, so it has to be given ours as `pg`.
  const output = await runWithPatchedPg('prisma-adapter.mjs', server.url);
  expect(JSON.parse(output)).toEqual({
    isPuff: true,
    columnNames: ['a', 'b', 'c'],
    row: [1, ['x', 'y'], '12.50'],
    inserted: 1,
    afterRollback: 0,
    kind: 'NullConstraintViolation',
  });
});

test('connect-pg-simple keeps sessions', async () => {
  const Store = connectPgSimple(session);
  const store = new Store({
    pool: pool as never,
    createTableIfMissing: true,
    pruneSessionInterval: false,
  });
  const data = { cookie: new session.Cookie({ maxAge: 60_000 }), user: 'ann' };
  await new Promise<void>((resolve, reject) => {
    store.set('sid-1', data as never, (error?: unknown) => (error ? reject(error) : resolve()));
  });
  const found = await new Promise<unknown>((resolve, reject) => {
    store.get('sid-1', (error: unknown, found: unknown) =>
      error ? reject(error) : resolve(found),
    );
  });
  expect(found).toMatchObject({ user: 'ann' });
  store.close();
});

test('pg-cursor reads in portions and can be closed early', async () => {
  const client = await pool.connect();
  const cursor = client.query(new Cursor('select n from generate_series(1, $1) n', [7]));
  expect(await cursor.read(3)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  // Queries wait until the cursor gives the connection up.
  const later = client.query('select 42 as answer');
  expect(await cursor.read(3)).toHaveLength(3);
  await cursor.close();
  expect((await later).rows).toEqual([{ answer: 42 }]);
  const broken = client.query(new Cursor('select 1/0'));
  await expect(broken.read(1)).rejects.toMatchObject({ code: '22012' });
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  client.release();
});

test('pg-query-stream streams', async () => {
  const client = await pool.connect();
  const stream = client.query(
    new QueryStream('select n from generate_series(1, 1000) n', [], { batchSize: 64 }),
  );
  let sum = 0;
  for await (const { n } of stream) sum += n;
  expect(sum).toBe(500_500);
  client.release();
});

test('pg-copy-streams copies in and out', async () => {
  const client = await pool.connect();
  await client.query('create temp table copied (id int, name text)');
  const lines = Array.from({ length: 20_000 }, (_, id) => `${id}\tname of ${id}\n`);
  const into = client.query(copyFrom('copy copied from stdin'));
  await pipeline(Readable.from(lines), into);
  expect(into.rowCount).toBe(20_000);
  const chunks: Buffer[] = [];
  const out = client.query(copyTo('copy (select * from copied order by id) to stdout'));
  out.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(out, 'end');
  expect(Buffer.concat(chunks).toString()).toBe(lines.join(''));
  expect((await client.query('select count(*)::int as n from copied')).rows).toEqual([
    { n: 20_000 },
  ]);
  const broken = client.query(copyFrom('copy copied from stdin'));
  await expect(pipeline(Readable.from(['not a number\n']), broken)).rejects.toMatchObject({
    code: '22P02',
  });
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  client.release();
});

test("BullMQ's Postgres backend works off jobs", async () => {
  const own = new Pool({ connectionString: server.url, options: '-c search_path=bullmq' });
  const migrator = await own.connect();
  await runMigrations(migrator as never);
  migrator.release();
  const { Queue, Worker } = withBackend(createPostgresBackend);
  const connection = own as never;
  const queue = new Queue<{ n: number }, number>('squares', { connection });
  const results = new Map<string | undefined, number>();
  const worker = new Worker<{ n: number }, number>('squares', async ({ data }) => data.n ** 2, {
    connection,
    concurrency: 4,
  });
  const isDone = new Promise<void>((resolve, reject) => {
    worker.on('failed', (_job, error) => reject(error));
    worker.on('completed', (job, result) => {
      results.set(job.id, result);
      if (results.size === 20) resolve();
    });
  });
  await queue.addBulk(Array.from({ length: 19 }, (_, n) => ({ name: 'square', data: { n } })));
  // The worker sleeps by now: a notification wakes it.
  await sleep(200);
  await queue.add('square', { n: 100 }, { delay: 50 });
  await isDone;
  expect([...results.values()].sort((a, b) => a - b)).toEqual(
    [...Array.from({ length: 19 }, (_, n) => n ** 2), 10_000].sort((a, b) => a - b),
  );
  await worker.close();
  await queue.close();
  await own.end();
}, 20_000);
