import { expect, test } from '@jest/globals';
import { LockTable } from '../../../dist/tasks/bullmq/lock-table.js';

const lock = (id: string) => ({ queue: 'mail ü', id, token: `token of ${id}` });

test('a table of another thread has the locks that were put and not freed', () => {
  const table = new LockTable();
  const reader = new LockTable(table.memory);
  const places = ['a', 'b', 'c'].map((id) => table.put(lock(id)));
  expect(reader.all()).toEqual(expect.arrayContaining([lock('a'), lock('b'), lock('c')]));
  table.free(places[1] as number);
  expect(reader.all().map(({ id }) => id)).toEqual(expect.arrayContaining(['a', 'c']));
  expect(reader.all()).toHaveLength(2);
  table.put(lock('d'));
  expect(reader.all().map(({ id }) => id)).toContain('d');
});

test('what has no room is refused, and has some when others are freed', () => {
  const table = new LockTable();
  const places: number[] = [];
  for (;;) {
    const place = table.put(lock(`${places.length}`));
    if (place === undefined) break;
    places.push(place);
  }
  expect(places.length).toBeGreaterThan(100);
  expect(table.all()).toHaveLength(places.length);
  table.free(places[0] as number);
  expect(table.put(lock('x'.repeat(2_000)))).toBeUndefined();
  expect(table.put({ ...lock('a'), queue: 'two\nlines' })).toBeUndefined();
  expect(table.put({ ...lock('a'), token: 'two\nlines' })).toBeUndefined();
  expect(table.put(lock('fits'))).toBeDefined();
});
