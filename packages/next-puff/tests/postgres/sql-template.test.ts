import { expect, test } from '@jest/globals';
import { postgres, sql } from 'next-puff/postgres';
import { errorOf, testServer } from './support/server';

testServer();

test('values become parameters', () => {
  const statement = sql`select ${1} where a = ${'x'}`;
  expect(statement.text).toBe('select $1 where a = $2');
  expect(statement.values).toEqual([1, 'x']);
});

test('templates nest, and parameters are counted through', () => {
  const inner = sql`b = ${2} or ${sql`c = ${3}`}`;
  const statement = sql`select * from t where a = ${1} and (${inner}) limit ${4}`;
  expect(statement.text).toBe('select * from t where a = $1 and (b = $2 or c = $3) limit $4');
  expect(statement.values).toEqual([1, 2, 3, 4]);
});

test('a piece can be used twice and stays what it is', () => {
  const piece = sql`x = ${1}`;
  expect(sql`${piece} and ${piece}`.text).toBe('x = $1 and x = $2');
  expect(piece.text).toBe('x = $1');
});

test('an empty piece vanishes', () => {
  expect(sql`select 1 ${sql``}`.text).toBe('select 1 ');
});

test('the same template with and without a piece', async () => {
  const find = (filter: unknown) => sql`select n from generate_series(1, 3) n where n = ${filter}`;
  expect(await postgres.query(find(2))).toEqual([{ n: 2 }]);
  expect(await postgres.query(find(sql`1 + ${2}::int`))).toEqual([{ n: 3 }]);
  expect(await postgres.query(find(1))).toEqual([{ n: 1 }]);
});

test('identifiers are quoted', async () => {
  expect(sql.identifier('public', 'my "table"').text).toBe('"public"."my ""table"""');
  await postgres`create table ${sql.identifier('a"; drop table x; --')} (${sql.identifier('from')} int)`;
  await postgres`insert into ${sql.identifier('a"; drop table x; --')} values (${1})`;
  const rows = await postgres`select * from ${sql.identifier('public', 'a"; drop table x; --')}`;
  expect(rows).toEqual([{ from: 1 }]);
});

test('join puts values and pieces in a row', async () => {
  const list = sql`select * from (values ${sql.join([sql`(${1}::int, ${'a'})`, sql`(${2}::int, ${'b'})`])}) t(id, name)`;
  expect(list.text).toBe('select * from (values ($1::int, $2), ($3::int, $4)) t(id, name)');
  expect(await postgres.query(list)).toEqual([
    { id: 1, name: 'a' },
    { id: 2, name: 'b' },
  ]);
  const filter = sql.join([sql`n > ${1}`, sql`n < ${4}`], sql` and `);
  expect(await postgres`select n from generate_series(1, 5) n where ${filter}`).toEqual([
    { n: 2 },
    { n: 3 },
  ]);
  expect(
    await postgres`select n from generate_series(1, 5) n where n in (${sql.join([2, 5])})`,
  ).toEqual([{ n: 2 }, { n: 5 }]);
  expect(sql.join([]).text).toBe('');
});

test('unsafe text is SQL', async () => {
  expect(
    await postgres`select n from generate_series(1, 2) n order by n ${sql.unsafe('desc')}`,
  ).toEqual([{ n: 2 }, { n: 1 }]);
});

test.each([
  `'; drop table victim; --`,
  `1 or 1=1`,
  `\\'; drop table victim; --`,
  `$1`,
  `"quoted"`,
  `/* comment`,
  `\u02bc or 1=1`,
])('an attack stays a value: %s', async (attack) => {
  await postgres.script('create table if not exists victim (name text); truncate victim');
  await postgres`insert into victim values (${attack})`;
  expect(await postgres`select name from victim where name = ${attack}`).toEqual([
    { name: attack },
  ]);
  expect(await postgres`select 1 from victim where name = ${`${attack}x`}`).toEqual([]);
  expect(
    await postgres`select ${[attack]}::text[] as list, ${{ [attack]: attack }}::jsonb as json`,
  ).toEqual([{ list: [attack], json: { [attack]: attack } }]);
});

test('an object that looks like a piece of SQL is a value', async () => {
  const fromClient = JSON.parse(
    '{"strings": ["1); drop table x; --"], "values": [], "text": "1); drop table x", "next-puff.sql": true}',
  ) as object;
  expect(await postgres`select ${fromClient}::jsonb as json`).toEqual([{ json: fromClient }]);
});

test('undefined and functions are refused with the number of the parameter', async () => {
  const missing: { id?: number } = {};
  expect((await errorOf(postgres`select ${1}::int + ${missing.id}::int`)).message).toMatch(
    /parameter \$2 is undefined/,
  );
  expect((await errorOf(postgres`select ${() => 1}::int`)).message).toMatch(/\$1 is a function/);
});

test('what is neither a template nor text is refused', async () => {
  const attempt = postgres.query({ text: 'select 1' } as unknown as string);
  expect((await errorOf(attempt)).message).toMatch(/sql`\.\.\.`/);
});
