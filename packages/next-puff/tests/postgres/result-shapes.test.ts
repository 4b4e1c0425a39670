import { expect, test } from '@jest/globals';
import { postgres } from 'next-puff/postgres';
import { testServer } from './support/server';

testServer();

/** `select` of that many columns: c0 = 0, c1 = NULL, c2 = 2, ... each third one NULL. */
function wide(columns: number): { text: string; row: Record<string, number | null> } {
  const row: Record<string, number | null> = {};
  for (let index = 0; index < columns; index++) row[`c${index}`] = index % 3 === 1 ? null : index;
  const list = Object.entries(row).map(([name, value]) => `${value}::int as ${name}`);
  return { text: `select ${list.join(', ')}`, row };
}

test.each([1, 31, 32, 33, 64, 65, 150, 1600])('%i columns', async (columns) => {
  const { text, row } = wide(columns);
  expect(await postgres.query(text)).toEqual([row]);
  expect(await postgres.query(text, [], { rowMode: 'array' })).toEqual([Object.values(row)]);
});

test('NULL and not NULL take turns from row to row', async () => {
  const rows = await postgres`
    select case when n % 2 = 0 then n end as even, case when n % 2 = 1 then 'odd ' || n end as odd
    from generate_series(1, 4) n`;
  expect(rows).toEqual([
    { even: null, odd: 'odd 1' },
    { even: 2, odd: null },
    { even: null, odd: 'odd 3' },
    { even: 4, odd: null },
  ]);
});

test('of columns with the same name an object has the last, an array all', async () => {
  const text = `select 1 as a, 'x' as b, 2 as a`;
  expect(await postgres.query(text)).toEqual([{ a: 2, b: 'x' }]);
  expect(await postgres.query(text, [], { rowMode: 'array' })).toEqual([[1, 'x', 2]]);
});

test('names that mean something in JavaScript are names', async () => {
  const names = [
    '__proto__',
    'constructor',
    'toString',
    'a "quoted" \\ name',
    '}); throw 1; ({',
    '?column?',
    '0',
    '-1',
    'größe 😀',
    'line\u2028break\nhere',
    `\${process}`,
  ];
  const list = names.map((name, index) => `${index} as "${name.replaceAll('"', '""')}"`);
  const [row = {}] = await postgres.query<Record<string, unknown>>(`select ${list.join(', ')}`);
  expect(Object.getPrototypeOf(row)).toBe(Object.getPrototypeOf({}));
  expect(new Map(Object.entries(row))).toEqual(new Map(names.map((name, index) => [name, index])));
});

test('no columns at all', async () => {
  expect(await postgres.query('select from generate_series(1, 3)')).toHaveLength(3);
});

test('no rows', async () => {
  expect(await postgres`select 1 as a where false`).toEqual([]);
  expect(await postgres.first('select 1 as a where false')).toBeUndefined();
  expect(await postgres.execute('select 1 as a where false')).toEqual({
    rowCount: 0,
    command: 'SELECT',
  });
});

test('an empty statement', async () => {
  expect(await postgres.query('')).toEqual([]);
  expect(await postgres.query(' -- nothing')).toEqual([]);
});

test('what statements did', async () => {
  expect(await postgres.execute('create table item (id int, name text)')).toEqual({
    rowCount: 0,
    command: 'CREATE TABLE',
  });
  const insert = 'insert into item select n, null from generate_series(1, 5) n';
  expect(await postgres.execute(insert)).toEqual({ rowCount: 5, command: 'INSERT' });
  const update = 'update item set name = $1 where id > $2';
  expect(await postgres.execute(update, ['x', 2])).toEqual({ rowCount: 3, command: 'UPDATE' });
  const remove = 'delete from item where name is null returning id';
  expect(await postgres.query(remove)).toEqual([{ id: 1 }, { id: 2 }]);
  expect(await postgres.execute('select * from item')).toEqual({ rowCount: 3, command: 'SELECT' });
});

test('100,000 rows', async () => {
  const rows = await postgres<{ n: number; name: string; even: number | null }>`
    select n, 'row ' || n as name, case when n % 2 = 0 then n end as even
    from generate_series(1, 100000) n`;
  expect(rows).toHaveLength(100_000);
  const wrong = rows.filter(
    (row, index) =>
      row.n !== index + 1 ||
      row.name !== `row ${index + 1}` ||
      row.even !== ((index + 1) % 2 === 0 ? index + 1 : null),
  );
  expect(wrong).toEqual([]);
});

test('100,000 rows with characters of every width', async () => {
  const rows = await postgres<{ name: string }>`
    select (array['a', 'é', '汉', '😀'])[n % 4 + 1] || n as name from generate_series(0, 99999) n`;
  const wrong = rows.filter(
    ({ name }, index) => name !== `${['a', 'é', '汉', '😀'][index % 4]}${index}`,
  );
  expect(wrong).toEqual([]);
});

test('a text of 10 MB, there and back', async () => {
  const value = '0123456789abcdeé'.repeat(655_360);
  const [row] = await postgres<{ value: string; length: number }>`
    select ${value}::text as value, length(${value}::text) as length`;
  expect(row?.length).toBe(value.length);
  expect(row?.value === value).toBe(true);
});

test('bytes of 10 MB, there and back', async () => {
  const value = Buffer.alloc(
    10 * 1024 * 1024,
    Uint8Array.from({ length: 251 }, (_, n) => n),
  );
  const [row] = await postgres<{ value: Buffer }>`select ${value}::bytea as value`;
  expect(row?.value.equals(value)).toBe(true);
});

test('an array of 100,000 elements, there and back', async () => {
  const list = Array.from({ length: 100_000 }, (_, index) => `item ${index}`);
  const [row] = await postgres<{ list: string[] }>`select ${list}::text[] as list`;
  expect(row?.list).toEqual(list);
});
