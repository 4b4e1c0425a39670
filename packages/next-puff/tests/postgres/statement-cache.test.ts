import { expect, test } from '@jest/globals';
import { postgres } from 'next-puff/postgres';
import { errorOf, testServer } from './support/server';

const server = testServer();

/** What the server keeps prepared for the one connection of a pool. */
const prepared = async (pool: typeof postgres) =>
  (await pool.query<{ statement: string }>('select statement from pg_prepared_statements')).map(
    ({ statement }) => statement,
  );

test('a statement is prepared once', async () => {
  const pool = server.pool({ maxConnections: 1 });
  for (let n = 0; n < 20; n++) await pool`select ${n}::int as n`;
  const statements = await prepared(pool);
  expect(statements.filter((text) => text === 'select $1::int as n')).toHaveLength(1);
});

test('no more are kept than statementCacheSize, and all still work', async () => {
  const pool = server.pool({ maxConnections: 1, statementCacheSize: 5 });
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 20; n++) {
      expect(await pool.query(`select ${n} as n${n}, $1::int as given`, [round])).toEqual([
        { [`n${n}`]: n, given: round },
      ]);
    }
    expect((await prepared(pool)).length).toBeLessThanOrEqual(5);
  }
});

test('many at once on few connections with a small cache', async () => {
  const pool = server.pool({ maxConnections: 3, statementCacheSize: 2 });
  const rows = await Promise.all(
    Array.from({ length: 300 }, (_, n) => pool.query(`select ${n % 50} as a, $1::int as b`, [n])),
  );
  expect(rows).toEqual(Array.from({ length: 300 }, (_, n) => [{ a: n % 50, b: n }]));
});

test('DDL that changes the columns of a cached statement goes unnoticed', async () => {
  const pool = server.pool({ maxConnections: 1 });
  await postgres.script(
    'create table changing (id int, name text); insert into changing values (1, null)',
  );
  const read = () => pool`select * from changing where id = ${1}`;
  expect(await read()).toEqual([{ id: 1, name: null }]);
  await postgres.script(`alter table changing add column age int default 7`);
  expect(await read()).toEqual([{ id: 1, name: null, age: 7 }]);
  await postgres.script('alter table changing drop column name');
  expect(await read()).toEqual([{ id: 1, age: 7 }]);
  await postgres.script('alter table changing alter column age type text using age || $$ years$$');
  expect(await read()).toEqual([{ id: 1, age: '7 years' }]);
  await postgres.script('drop table changing; create table changing (id int, again bool)');
  expect(await read()).toEqual([]);
});

test('in a transaction the changed statement fails once, because the transaction is lost', async () => {
  const pool = server.pool({ maxConnections: 2 });
  await postgres.script('create table moving (id int); insert into moving values (1)');
  const inTransaction = () => pool.transaction((tx) => tx`select * from moving`);
  await Promise.all([inTransaction(), inTransaction()]);
  await postgres.script('alter table moving add column more int');
  const outcomes = [];
  for (let n = 0; n < 6; n++) outcomes.push(await inTransaction().catch((error) => error.sqlState));
  for (const outcome of outcomes) {
    expect([[{ id: 1, more: null }], '0A000']).toContainEqual(outcome);
  }
  expect(outcomes.at(-1)).toEqual([{ id: 1, more: null }]);
});

test.each(['discard all', 'deallocate all', 'DISCARD PLANS', 'DEALLOCATE PREPARE ALL'])(
  '%s',
  async (text) => {
    const pool = server.pool({ maxConnections: 1 });
    for (let round = 0; round < 3; round++) {
      expect(await pool`select ${round}::int as n`).toEqual([{ n: round }]);
      await pool.query(text);
      expect(await pool`select ${round}::int as n`).toEqual([{ n: round }]);
      await pool.script(`select 1; ${/discard/i.test(text) ? 'deallocate all' : text}`);
    }
    expect(await pool.transaction((tx) => tx`select ${1}::int as n`)).toEqual([{ n: 1 }]);
  },
);

test('a statement that fails to parse is not kept', async () => {
  const pool = server.pool({ maxConnections: 1 });
  expect(await errorOf(pool`select * from coming`)).toMatchObject({ sqlState: '42P01' });
  await postgres.script('create table coming (id int)');
  expect(await pool`select * from coming`).toEqual([]);
});

test('without named statements the server keeps none', async () => {
  const pool = server.pool({ maxConnections: 1, namedStatements: false });
  for (let n = 0; n < 5; n++) {
    expect(await pool`select ${n}::int as n, ${'é'}::text as t`).toEqual([{ n, t: 'é' }]);
  }
  expect(await pool.transaction((tx) => tx`select ${1}::int as n`)).toEqual([{ n: 1 }]);
  const batches: unknown[] = [];
  for await (const batch of pool.stream('select n from generate_series(1, 5) n', [], {
    batchSize: 2,
  })) {
    batches.push(batch.length);
  }
  expect(batches).toEqual([2, 2, 1]);
  expect(await errorOf(pool`select ${'x'}::int`)).toMatchObject({ sqlState: '22P02' });
  expect(await prepared(pool)).toEqual([]);
});

test('without named statements many at once still get their own answers', async () => {
  const pool = server.pool({ maxConnections: 2, namedStatements: false });
  const [rows] = await Promise.all([
    Promise.all(Array.from({ length: 100 }, (_, n) => pool`select ${n}::int as n`)),
    pool.transaction((tx) =>
      Promise.all(Array.from({ length: 20 }, (_, n) => tx`select ${n}::int as n`)),
    ),
  ]);
  expect(rows).toEqual(Array.from({ length: 100 }, (_, n) => [{ n }]));
});
