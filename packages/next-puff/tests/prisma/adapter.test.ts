import { beforeAll, expect, test } from '@jest/globals';
import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils';
import { postgres } from 'next-puff/postgres';
import { PrismaPuff } from 'next-puff/prisma';
import { testDatabase } from './support/database.ts';

const database = testDatabase();
let adapter: SqlDriverAdapter;

beforeAll(async () => {
  adapter = await new PrismaPuff().connect();
});

const databases = async () =>
  (await postgres<{ name: string }>`select datname as name from pg_database order by 1`).map(
    (row) => row.name,
  );

test('scripts run whole, function bodies included', async () => {
  await adapter.executeScript(`
    create function add_one(n int) returns int language plpgsql as $$
    begin
      n := n + 1; -- a comment; with a semicolon
      return n;
    end $$;
    create table scripted (text text default 'a;b');
    insert into scripted default values;
  `);
  expect(await postgres`select add_one(1), text from scripted`).toEqual([
    { add_one: 2, text: 'a;b' },
  ]);
});

test('a script that fails leaves nothing', async () => {
  await expect(
    adapter.executeScript('create table half (n int); insert into nowhere values (1)'),
  ).rejects.toMatchObject({
    name: 'DriverAdapterError',
    cause: { kind: 'TableDoesNotExist', table: 'nowhere', originalCode: '42P01' },
  });
  expect(await postgres`select to_regclass('half') as half`).toEqual([{ half: null }]);
});

test('the shadow database is another one, and is dropped', async () => {
  const before = await databases();
  const shadow = await new PrismaPuff().connectToShadowDb();
  expect(await databases()).toHaveLength(before.length + 1);
  await shadow.executeScript('create table only_here (n int)');
  expect(await postgres`select to_regclass('only_here') as found`).toEqual([{ found: null }]);
  const { rows } = await shadow.queryRaw({
    sql: `select to_regclass('only_here')::text, to_regclass('users')::text`,
    args: [],
    argTypes: [],
  });
  expect(rows).toEqual([['only_here', null]]);
  await shadow.dispose();
  expect(await databases()).toEqual(before);
});

test('column names and types are told without rows too', async () => {
  const result = await adapter.queryRaw({
    sql: `select 1::int8 as a, now() as b, 1.5 as c, '{}'::jsonb as d, array['x'] as e, 'admin'::user_role as f,
      '00:00'::time as g, '{}'::bytea[] as h, '1.2.3.4'::inet as i where false`,
    args: [],
    argTypes: [],
  });
  expect(result).toEqual({
    columnNames: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'],
    columnTypes: [1, 10, 4, 11, 71, 7, 9, 77, 7],
    rows: [],
  });
});

test('disposing of an adapter leaves the pool to others', async () => {
  const other = await new PrismaPuff().connect();
  await other.dispose();
  expect(await postgres`select 1 as one`).toEqual([{ one: 1 }]);
});

test('64-bit integers stay exact, whatever the pool makes of them', async () => {
  for (const int8 of ['string', 'bigint'] as const) {
    const prisma = database.client(database.pool({ int8 }));
    const [row] = await prisma.$queryRaw<object[]>`
      select 9007199254740993 as one, array[9007199254740993, null] as many`;
    expect(row).toEqual({ one: 9007199254740993n, many: [9007199254740993n, null] });
  }
  const lossy = database.client(database.pool({ int8: 'number' }));
  expect(await lossy.$queryRaw`select 9007199254740991 as one`).toEqual([
    { one: 9007199254740991n },
  ]);
  await expect(lossy.$queryRaw`select 9007199254740993 as one`).rejects.toThrow(
    /lost its last digits/,
  );
});
