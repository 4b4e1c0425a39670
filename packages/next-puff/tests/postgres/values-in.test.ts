import { expect, test } from '@jest/globals';
import { postgres, sql } from 'next-puff/postgres';
import { errorOf, testServer } from './support/server';

testServer();

/** What PostgreSQL understood, in its own words. */
async function written(value: unknown, type: string): Promise<string | null | undefined> {
  const row = await postgres.first<{ text: string | null }>(
    `select case when $1::${type} is null then null else format('%s', $1::${type}) end as text`,
    [value],
  );
  return row?.text;
}

test.each<[type: string, value: unknown, text: string]>([
  ['boolean', true, 't'],
  ['boolean', 'false', 'f'],
  ['int2', -5, '-5'],
  ['int4', 2147483647, '2147483647'],
  ['int4', '12', '12'],
  ['int8', 9007199254740991, '9007199254740991'],
  ['int8', 9223372036854775807n, '9223372036854775807'],
  ['int8', '-9223372036854775808', '-9223372036854775808'],
  ['numeric', 0.1, '0.1'],
  ['numeric', 1e21, '1000000000000000000000'],
  ['numeric', '123456789012345678901234567890.10', '123456789012345678901234567890.10'],
  ['numeric', 5n, '5'],
  ['float4', 0.1, '0.1'],
  ['float8', Number.POSITIVE_INFINITY, 'Infinity'],
  ['float8', Number.NaN, 'NaN'],
  ['text', '', ''],
  ['text', 7, '7'],
  ['text', true, 'true'],
  ['text', 5n, '5'],
  ['text', 'a\'b"c\\d', 'a\'b"c\\d'],
  ['varchar', { a: 1 }, '{"a":1}'],
  ['uuid', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['date', '2024-02-29', '2024-02-29'],
  ['date', new Date('2024-02-29T23:59:59.999Z'), '2024-02-29'],
  ['timestamptz', new Date('1969-12-31T23:59:59.999Z'), '1969-12-31 23:59:59.999+00'],
  ['timestamp', new Date('2024-02-29T12:00:00.001Z'), '2024-02-29 12:00:00.001'],
  ['timestamptz', 'infinity', 'infinity'],
  ['interval', '1 day', '1 day'],
  ['bytea', Buffer.from([0, 255]), '\\x00ff'],
  ['bytea', new Uint8Array([1, 2, 3]).subarray(1), '\\x0203'],
  ['jsonb', { a: [1, 'x'], b: null }, '{"a": [1, "x"], "b": null}'],
  ['jsonb', [1, 'x', null], '[1, "x", null]'],
  ['jsonb', '{"already": "json"}', '{"already": "json"}'],
  ['jsonb', sql.json('a "string"'), '"a \\"string\\""'],
  ['jsonb', sql.json([1, [2]]), '[1, [2]]'],
  ['jsonb', sql.json(null), 'null'],
  ['jsonb', sql.json(3), '3'],
  ['jsonb', new Date(0), '"1970-01-01T00:00:00.000Z"'],
  ['json', { a: 1 }, '{"a":1}'],
  ['int4[]', [1, null, -3], '{1,NULL,-3}'],
  ['int4[]', [], '{}'],
  [
    'int4[]',
    [
      [1, 2],
      [3, 4],
    ],
    '{{1,2},{3,4}}',
  ],
  ['int8[]', [1n, '2', 9223372036854775807n], '{1,2,9223372036854775807}'],
  ['float8[]', [0.1, 1e300, Number.NaN, Number.NEGATIVE_INFINITY], '{0.1,1e+300,NaN,-Infinity}'],
  ['numeric[]', [1e21, 0.5], '{1000000000000000000000,0.5}'],
  ['boolean[]', [true, false, null], '{t,f,NULL}'],
  [
    'text[]',
    ['', 'NULL', 'a,b', '{}', 'q"\\', 'ü😀', null],
    '{"","NULL","a,b","{}","q\\"\\\\",ü😀,NULL}',
  ],
  ['uuid[]', ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'], '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'],
  ['timestamptz[]', [new Date(0)], '{"1970-01-01 00:00:00+00"}'],
  ['date[]', ['2024-02-29'], '{2024-02-29}'],
  ['bytea[]', [Buffer.from([255]), Buffer.alloc(0)], '{"\\\\xff","\\\\x"}'],
  ['jsonb[]', [{ a: [1] }, [2], 'x', null], '{"{\\"a\\": [1]}",[2],"\\"x\\"",NULL}'],
  ['int4range', '[1,3]', '[1,4)'],
])('%s from %p', async (type, value, text) => {
  expect(await written(value, type)).toBe(text);
});

test.each(['int4', 'text', 'jsonb', 'int4[]', 'timestamptz', 'bytea'])(
  'NULL as %s',
  async (type) => {
    expect(await written(null, type)).toBeNull();
  },
);

test('enums, domains and composites take text', async () => {
  await postgres.script(`
    create type mood as enum ('sad', 'so so');
    create type pair as (a int, b text);
    create domain positive as int check (value > 0);
  `);
  expect(await written('so so', 'mood')).toBe('so so');
  expect(await written(['sad', 'so so'], 'mood[]')).toBe('{sad,"so so"}');
  expect(await written('(1,"x y")', 'pair')).toBe('(1,"x y")');
  expect(await written(3, 'positive')).toBe('3');
  expect(await errorOf(written(-3, 'positive'))).toMatchObject({ sqlState: '23514' });
});

test('dates before year 1 and after year 9999', async () => {
  const rows = await postgres<{ a: Date; b: Date; same: boolean }>`
    select ${new Date('-000043-03-15T00:00:00Z')}::timestamptz as a,
           ${new Date('+012345-01-01T00:00:00Z')}::timestamptz as b,
           ${new Date('-000043-03-15T00:00:00Z')}::timestamptz = '0044-03-15 BC'::timestamptz as same`;
  expect(rows).toEqual([
    {
      a: new Date('-000043-03-15T00:00:00Z'),
      b: new Date('+012345-01-01T00:00:00Z'),
      same: true,
    },
  ]);
});

test('half a character becomes the replacement character', async () => {
  const [row] = await postgres`select ${'a\ud83d'}::text as tail, ${'\ude00b'}::text as head`;
  expect(row).toEqual({ tail: 'a\ufffd', head: '\ufffdb' });
  const [array] = await postgres`select ${['x\ud83d']}::text[] as list`;
  expect(array).toEqual({ list: ['x\ufffd'] });
});

test('half a character inside JSON is PostgreSQL’s to refuse', async () => {
  expect(await errorOf(postgres`select ${{ a: '\ud83d' }}::jsonb`)).toMatchObject({
    code: 'PUFF_POSTGRES_QUERY',
    sqlState: '22P02',
  });
});

test.each<[name: string, type: string, value: unknown, message: RegExp]>([
  ['undefined', 'int4', undefined, /\$1 .*undefined.*null/],
  ['a function', 'int4', () => 1, /\$1 .*function/],
  ['a symbol', 'text', Symbol('x'), /\$1 .*symbol/],
  ['a cycle', 'jsonb', cycle(), /\$1 .*not JSON/],
  ['a BigInt inside JSON', 'jsonb', { a: 1n }, /\$1 .*not JSON/],
  ['an invalid Date', 'timestamptz', new Date(Number.NaN), /\$1 .*invalid Date/],
  ['a fraction for an integer', 'int4', 1.5, /\$1 expects integer, got 1\.5/],
  ['a number out of range', 'int2', 40_000, /\$1 expects smallint, got 40000/],
  ['an unsafe number', 'int8', 2 ** 53, /\$1 expects bigint/],
  ['a number for a boolean', 'boolean', 1, /\$1 expects boolean, got the number 1/],
  ['a boolean for a number', 'int4', true, /\$1 expects integer, got the boolean true/],
  ['an object for an integer', 'int4', { a: 1 }, /\$1 expects integer, got an object/],
  ['an array for an integer', 'int4', [1], /\$1 expects integer, got an array/],
  [
    'an object in an int array',
    'int4[]',
    [{ a: 1 }],
    /\$1 expects integer\[\], got an array with an object/,
  ],
  ['bytes for text', 'text', Buffer.from('x'), /\$1 expects text, got 1 bytes/],
  ['a Date for a number', 'float8', new Date(0), /\$1 expects double precision, got a Date/],
  ['a zero character', 'text', 'a\0b', /\$1 .*zero character/],
])('%s is refused before it is sent', async (_name, type, value, message) => {
  const error = await errorOf(written(value, type));
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_PARAMETER', name: 'PostgresParameterError' });
  expect(error.message).toMatch(message);
  expect(await written(1, 'int4')).toBe('1');
});

function cycle(): object {
  const value: Record<string, unknown> = {};
  value.self = value;
  return value;
}

test.each([
  ['too few', [1], /2 parameters.* 1 values/],
  ['too many', [1, 2, 3], /2 parameters.* 3 values/],
])('%s values', async (_name, values, message) => {
  const error = await errorOf(postgres.query('select $1::int + $2::int', values));
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_PARAMETER' });
  expect(error.message).toMatch(message);
});

test('65535 parameters are the most', async () => {
  const given = (count: number) => {
    const values = Array.from({ length: count }, (_, index) => index);
    const list = values.map((_, index) => `$${index + 1}::int`).join(',');
    return postgres.first<{ found: boolean }>(`select 65534 in (${list}) as found`, values);
  };
  expect(await given(65_535)).toEqual({ found: true });
  for (const count of [65_536, 70_000, 131_073]) {
    const error = await errorOf(given(count));
    expect(error).toMatchObject({ code: 'PUFF_POSTGRES_PARAMETER' });
    expect(error.message).toMatch(new RegExp(`${count} .*65535`));
    expect(error.message).toMatch(/unnest|array/);
  }
  expect(await given(65_535)).toEqual({ found: true });
});

test('floats arrive as they are, also in arrays', async () => {
  const floats = Array.from({ length: 2000 }, (_, n) => Math.sin(n) * 10 ** ((n % 600) - 300));
  const list = [null, ...floats];
  expect(await postgres.first(sql`select ${list}::float8[] as list`)).toEqual({ list });
  expect(await postgres.first(sql`select ${list}::numeric[]::float8[] as list`)).toEqual({ list });
});
