import { pack, unpack } from '../../src/cache/packing.ts';

test('parts come back as they were', () => {
  const bytes = Buffer.from([0, 255, 128]);
  const parts = unpack(pack(['ünï €', '', bytes]));
  expect(parts.map((part) => part.toString('latin1'))).toEqual([
    Buffer.from('ünï €').toString('latin1'),
    '',
    bytes.toString('latin1'),
  ]);
  expect(unpack(pack([]))).toEqual([]);
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['half a number', Buffer.from([1, 0])],
  ['more parts than there are bytes', Buffer.from([255, 255, 255, 255])],
  ['a part that is cut off', pack(['whole', 'cut off']).subarray(0, -1)],
])('what was not packed is refused: %s', (_what, value) => {
  expect(() => unpack(value)).toThrow();
});
