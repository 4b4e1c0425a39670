import { jsonTextOf } from '../../dist/tasks/json-text.js';

test('JSON stays what it is', () => {
  const value = {
    text: 'a\u0000b \ud83d\ude00',
    list: [1, null, true, { '': -1.5e300 }],
    'a-b': {},
  };
  expect(JSON.parse(jsonTextOf(value, 'payload'))).toEqual(value);
  expect(jsonTextOf(Object.assign(Object.create(null), { a: 1 }), 'payload')).toBe('{"a":1}');
});

test('the same object may come twice, as long as it does not contain itself', () => {
  const shared = { a: 1 };
  expect(jsonTextOf([shared, shared], 'payload')).toBe('[{"a":1},{"a":1}]');
});

class Point {
  x = 1;
}
const cycle: { self?: unknown } = {};
cycle.self = { inner: cycle };
const deep: unknown[] = [];
let end = deep;
for (let i = 0; i < 600; i++) {
  const next: unknown[] = [];
  end.push(next);
  end = next;
}

test.each<[string, unknown, string]>([
  ['payload.user.born: a Date is not JSON', { user: { born: new Date(0) } }, 'toISOString'],
  ['payload.a: undefined is not JSON', { a: undefined }, 'Leave it out'],
  ['payload[1]: undefined is not JSON', [1, undefined], 'Leave it out'],
  // biome-ignore lint/suspicious/noSparseArray: it is what is tested
  ['payload[0]: undefined is not JSON', [, 1], 'Leave it out'],
  ['payload.n: NaN is not JSON', { n: Number.NaN }, 'null'],
  ['payload: Infinity is not JSON', Number.POSITIVE_INFINITY, 'null'],
  ['payload.big: a bigint is not JSON', { big: 1n }, 'toString'],
  ['payload["a b"]: a Map is not JSON', { 'a b': new Map() }, 'fromEntries'],
  ['payload: a Set is not JSON', new Set(), '[...value]'],
  ['payload.point: a Point is not JSON', { point: new Point() }, 'plain object'],
  ['payload: a Uint8Array is not JSON', new Uint8Array(2), 'base64'],
  ['payload.f: a function is not JSON', { f: () => 1 }, 'data'],
  ['payload: a symbol is not JSON', Symbol('s'), 'data'],
  ['payload.self.inner: it contains itself', cycle, 'ids'],
  ['payload.text: half of a surrogate pair', { text: 'a\ud83d' }, 'whole characters'],
  ['payload: one of its keys has half', { '\udc00': 1 }, 'Rename'],
  ['payload: it has a toJSON of its own', { toJSON: () => 1 }, 'returns'],
  ['it is nested more than 500 times', deep, 'flatter'],
])('%s', (message, value, hint) => {
  const refused = () => jsonTextOf(value, 'payload');
  expect(refused).toThrow(message);
  expect(refused).toThrow(hint);
  expect(refused).toThrow(
    expect.objectContaining({ code: 'PUFF_TASK_VALUE', name: 'TaskValueError' }),
  );
});
