import { beforeAll, expect, test } from '@jest/globals';
import { PostgresError, PuffError } from 'next-puff/errors';
import { postgres, sql } from 'next-puff/postgres';
import { errorOf, testServer } from './support/server';

const server = testServer();

beforeAll(() =>
  postgres.script(`
    create schema shop;
    create table shop.item (
      id int primary key,
      name text not null,
      price numeric constraint positive_price check (price > 0)
    );
    insert into shop.item values (1, 'a', 1);
  `),
);

test('a unique violation names schema, table and constraint', async () => {
  const error = await errorOf(postgres`insert into shop.item values (1, 'b', 2)`);
  expect(error).toBeInstanceOf(PostgresError);
  expect(error).toBeInstanceOf(PuffError);
  expect(error).toMatchObject({
    name: 'PostgresError',
    code: 'PUFF_POSTGRES_QUERY',
    severity: 'ERROR',
    sqlState: '23505',
    message: 'duplicate key value violates unique constraint "item_pkey"',
    detail: 'Key (id)=(1) already exists.',
    schema: 'shop',
    table: 'item',
    constraint: 'item_pkey',
  });
});

test('a null names the column, a check its constraint', async () => {
  expect(await errorOf(postgres`insert into shop.item values (2, null, 2)`)).toMatchObject({
    sqlState: '23502',
    column: 'name',
  });
  expect(await errorOf(postgres`insert into shop.item values (2, 'b', -1)`)).toMatchObject({
    sqlState: '23514',
    constraint: 'positive_price',
  });
});

test('a fault in the text has its position in characters', async () => {
  const text = `select '😀é', nothing from shop.item`;
  const error = await errorOf(postgres.query(text));
  expect(error).toMatchObject({ sqlState: '42703' });
  expect([...text].slice((error.position as number) - 1).join('')).toMatch(/^nothing/);
  expect(await errorOf(postgres.query('selct 1'))).toMatchObject({
    sqlState: '42601',
    position: 1,
  });
});

test('the server’s hint and where it happened', async () => {
  const hinted = await errorOf(postgres.query('select lenght(1::int)'));
  expect(hinted).toMatchObject({ sqlState: '42883' });
  expect(hinted.hint).toMatch(/type cast/);
  expect(hinted.message).toContain(hinted.hint);
  const inside = await errorOf(
    postgres.script(
      `do $$ begin raise exception 'mine' using errcode = 'ABCDE', detail = 'more'; end $$`,
    ),
  );
  expect(inside).toMatchObject({
    sqlState: 'ABCDE',
    detail: 'more',
    where: expect.stringContaining('PL/pgSQL'),
  });
});

test('a value that PostgreSQL cannot read', async () => {
  expect(await errorOf(postgres`select ${'x'}::int`)).toMatchObject({
    sqlState: '22P02',
    message: expect.stringContaining('"x"'),
  });
});

test('an error in a row after many others gives no rows', async () => {
  const error = await errorOf(postgres`select 1 / (5000 - n) from generate_series(1, 10000) n`);
  expect(error).toMatchObject({ sqlState: '22012' });
});

test('stacks begin with who asked', async () => {
  async function theCaller(use: () => Promise<unknown>): Promise<void> {
    await use();
  }
  const uses: (() => Promise<unknown>)[] = [
    () => postgres`select 1 / 0`,
    () => postgres.query('select 1 / 0'),
    () => postgres.first(sql`select ${undefined}`),
    () => postgres.execute('select 1 / 0'),
    () => postgres.script('select 1 / 0'),
    () => postgres.stream('select 1 / 0').next(),
    () => postgres.transaction((tx) => tx`select 1 / 0`),
    () => postgres.transaction((tx) => tx.savepoint((inner) => inner`select 1 / 0`)),
    () => postgres.transaction((tx) => tx`select 1 / 0`.then(null, () => {})),
    () => server.pool({ url: 'postgres://nobody@127.0.0.1:1/x' }).transaction(async () => {}),
    () => server.pool({ url: 'postgres://nobody@127.0.0.1:1/x' })`select 1`,
  ];
  for (const use of uses) {
    const { stack = '' } = await errorOf(theCaller(use));
    expect(`${use}\n${stack}`).toMatch(/theCaller .*query-errors\.test\.ts/);
    expect(stack).not.toMatch(/calls\.|completions\./);
  }
});

test('several statements belong into script()', async () => {
  const error = await errorOf(postgres.query('select 1; select 2'));
  expect(error).toMatchObject({ sqlState: '42601' });
  expect(error.message).toMatch(/multiple commands/);
});

test('a script stops at its first fault, and nothing of it stays', async () => {
  const error = await errorOf(
    postgres.script(`insert into shop.item values (7, 'x', 1);\nselect nonsense;\nselect 1`),
  );
  expect(error).toMatchObject({ sqlState: '42703', position: 50 });
  const broken = await errorOf(postgres.script(`insert into shop.item values (7, 'x', 1); selct`));
  expect(broken).toMatchObject({ sqlState: '42601' });
  expect(await postgres`select 1 from shop.item where id = 7`).toEqual([]);
});

test('a script may end its own transaction', async () => {
  await postgres.script(`begin; insert into shop.item values (8, 'x', 1); commit;`);
  expect(await postgres`select name from shop.item where id = 8`).toEqual([{ name: 'x' }]);
});

test.each(['BEGIN', 'start transaction', 'begin isolation level serializable'])(
  '%s on a pool is refused and rolled back',
  async (text) => {
    const pool = server.pool({ maxConnections: 1 });
    const error = await errorOf(pool.query(text));
    expect(error).toMatchObject({ code: 'PUFF_POSTGRES_UNSUPPORTED' });
    expect(error.message).toMatch(/transaction\(/);
    await errorOf(pool.script(`${text}; insert into shop.item values (9, 'x', 1)`));
    expect(await pool`select 1 from shop.item where id = 9`).toEqual([]);
    expect(await server.openTransactions()).toBe(0);
  },
);

test.each([
  'copy shop.item from stdin',
  'copy shop.item to stdout',
  'copy (select 1) to stdout (format binary)',
])('%s is refused, and the connection stays good', async (text) => {
  const pool = server.pool({ maxConnections: 1 });
  for (const attempt of [() => pool.query(text), () => pool.script(text)]) {
    const error = await errorOf(attempt());
    expect(error).toMatchObject({ code: 'PUFF_POSTGRES_UNSUPPORTED' });
    expect(error.message).toMatch(/COPY .*cannot run here/);
    expect(await pool`select 1 as n`).toEqual([{ n: 1 }]);
  }
  expect(pool.status()).toMatchObject({ open: 1 });
});

test('a zero character in the text', async () => {
  expect(await errorOf(postgres.query("select 'a\0b'"))).toMatchObject({
    code: 'PUFF_POSTGRES_UNSUPPORTED',
  });
});

test('statement_timeout', async () => {
  const pool = server.pool({ statementTimeoutMs: 100 });
  const error = await errorOf(pool`select pg_sleep(10)`);
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_QUERY', sqlState: '57014' });
  expect(error.message).toMatch(/statement timeout/);
  expect(await pool`show statement_timeout`).toEqual([{ statement_timeout: '100ms' }]);
});

test('errors go into JSON and logs without what is inside them being lost', async () => {
  const error = await errorOf(postgres`insert into shop.item values (1, 'b', 2)`);
  expect(JSON.parse(JSON.stringify(error))).toMatchObject({ sqlState: '23505', table: 'item' });
  expect(Object.keys(error)).not.toContain('message');
});
