import { expect, test } from '@jest/globals';
import { postgres } from 'next-puff/postgres';
import { testServer } from './support/server';

const server = testServer();

/** What a SQL expression becomes. */
async function read(expression: string): Promise<unknown> {
  const [row] = await postgres.query<{ value: unknown }>(`select ${expression} as value`);
  return row?.value;
}

const MOMENT = new Date('2024-02-29T12:34:56.789Z');

/** Type, literals and what they become; each is also read as NULL and in arrays. */
const types: [type: string, ...[literal: string, value: unknown][]][] = [
  ['boolean', ['true', true], ['false', false]],
  ['int2', ['-32768', -32768], ['32767', 32767]],
  ['int4', ['-2147483648', -2147483648], ['2147483647', 2147483647]],
  ['int8', ['-9223372036854775808', '-9223372036854775808'], ['0', '0']],
  ['oid', ['0', 0], ['4294967295', 4294967295]],
  ['float4', ['0.1', 0.1], ['-3.5', -3.5], ['16777216', 16777216], ['1e-45', 1e-45]],
  [
    'float8',
    ['0.1', 0.1],
    ['-1.7976931348623157e308', -1.7976931348623157e308],
    ['5e-324', 5e-324],
  ],
  ['numeric', ['123456789012345678901234567890.10', '123456789012345678901234567890.10']],
  ['numeric', ['NaN', 'NaN']],
  ['text', ['', ''], ['a "b" {c} \\d, NULL', 'a "b" {c} \\d, NULL']],
  ['varchar', ['é', 'é']],
  ['char(3)', ['a', 'a  ']],
  ['"char"', ['x', 'x']],
  ['name', ['pg_class', 'pg_class']],
  ['uuid', ['A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']],
  [
    'date',
    ['2024-02-29', '2024-02-29'],
    ['infinity', 'infinity'],
    ['0044-03-15 BC', '0044-03-15 BC'],
  ],
  ['time', ['12:34:56.5', '12:34:56.5']],
  ['interval', ['1 day 02:03:04', '1 day 02:03:04']],
  [
    'timestamptz',
    ['2024-02-29 13:34:56.789+01', MOMENT],
    ['1969-12-31 23:59:59.999Z', new Date(-1)],
  ],
  [
    'timestamp',
    ['2024-02-29 12:34:56.789', MOMENT],
    ['0001-01-01', new Date('0001-01-01T00:00:00Z')],
  ],
  ['json', ['{"a": [1, null]}', { a: [1, null] }], ['null', null], ['"text"', 'text']],
  ['jsonb', ['{"b": {"c": "ü😀"}}', { b: { c: 'ü😀' } }], ['[]', []], ['1.5', 1.5]],
  ['bytea', ['\\x', Buffer.alloc(0)], ['\\x00ff10', Buffer.from([0, 255, 16])]],
  ['inet', ['10.0.0.1/8', '10.0.0.1/8']],
  ['int4range', ['[1,5)', '[1,5)']],
  ['point', ['(1,2)', '(1,2)']],
];

test.each(types)('%s alone, as NULL and in arrays', async (type, ...values) => {
  expect(await read(`null::${type}`)).toBeNull();
  for (const [literal, value] of values) {
    const constant = `'${literal}'::${type}`;
    expect(await read(constant)).toEqual(value);
    // Arrays of types that are not built into the client are the text that PostgreSQL prints.
    if (['inet', 'int4range', 'point'].includes(type)) continue;
    expect(await read(`array[${constant}, null, ${constant}]`)).toEqual([value, null, value]);
    expect(await read(`array[[${constant}], [null::${type}]]`)).toEqual([[value], [null]]);
  }
  if (['inet', 'int4range', 'point'].includes(type)) return;
  expect(await read(`array[]::${type}[]`)).toEqual([]);
  expect(await read(`null::${type}[]`)).toBeNull();
});

test.each(['timestamptz', 'timestamp', 'float8', 'float4'])('%s infinity', async (type) => {
  expect(await read(`'infinity'::${type}`)).toBe(Number.POSITIVE_INFINITY);
  expect(await read(`'-infinity'::${type}`)).toBe(Number.NEGATIVE_INFINITY);
  expect(await read(`array['infinity', '-infinity']::${type}[]`)).toEqual([
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ]);
});

test('floats that are not numbers', async () => {
  expect(await read(`'NaN'::float8`)).toBeNaN();
  expect(await read(`array['NaN']::float4[]`)).toEqual([Number.NaN]);
  expect(await read(`'-0'::float8`)).toBe(-0);
});

test('a Buffer is a Buffer, a Date a Date', async () => {
  expect(Buffer.isBuffer(await read(`'\\xff'::bytea`))).toBe(true);
  expect(((await read('now()')) as Date).toISOString()).toMatch(/^2\d\d\d-/);
});

test('times beyond what a Date can hold', async () => {
  const far = await read(`'294276-12-31'::timestamp`);
  expect((far as Date).getTime()).toBeNaN();
});

test.each([
  ['string', ['1', '-9223372036854775808', ['9007199254740993', null]]],
  ['bigint', [1n, -9223372036854775808n, [9007199254740993n, null]]],
  ['number', [1, -(2 ** 63), [2 ** 53, null]]],
] as const)('int8 as %s', async (int8, expected) => {
  const pool = server.pool({ int8 });
  const [row] = await pool.query(
    `select 1::int8 a, '-9223372036854775808'::int8 b, array[9007199254740993, null]::int8[] c`,
  );
  expect(Object.values(row ?? {})).toEqual(expected);
});

test('types of one’s own come as text or as what they are based on', async () => {
  await postgres.script(`
    create type mood as enum ('sad', 'so so');
    create type pair as (a int, b text);
    create domain positive as int check (value > 0);
    create domain note as jsonb;
  `);
  expect(await read(`'so so'::mood`)).toBe('so so');
  expect(await read(`array['sad', null, 'so so']::mood[]`)).toBe('{sad,NULL,"so so"}');
  expect(await read(`row(1, 'x y')::pair`)).toBe('(1,"x y")');
  expect(await read('7::positive')).toBe(7);
  expect(await read(`'{"a": 1}'::note`)).toEqual({ a: 1 });
  expect(await read(`'[2024-01-01,2024-02-01)'::daterange`)).toBe('[2024-01-01,2024-02-01)');
  expect(await read(`'10:20'::time(0)`)).toBe('10:20:00');
});

test('arrays whose lower bound is not 1', async () => {
  expect(await read(`'[3:4]={1,2}'::int[]`)).toEqual([1, 2]);
  expect(await read(`'[0:1]={1.5,2}'::numeric[]`)).toEqual(['1.5', '2']);
});

test.each([
  ['latin1', 'naïve ÿ'],
  ['beyond the basic plane', '𝄞 and 😀 and 汉'],
  ['combining and bidirectional', 'e\u0301 \u202eabc'],
  ['controls', '\u0001\t\n\r\u007f\u2028'],
])('text: %s', async (_name, value) => {
  const rows = await postgres<{ a: string; b: string; n: number }>`
    select ${value}::text as a, ${value}::text || 'end' as b, n from generate_series(1, 3) n`;
  expect(rows).toEqual([1, 2, 3].map((n) => ({ a: value, b: `${value}end`, n })));
});

test('statement text may hold any characters', async () => {
  const [row] = await postgres`select '😀é' as "spältë 😀"`;
  expect(row).toEqual({ 'spältë 😀': '😀é' });
});
