import { Worker } from 'node:worker_threads';
import { cache } from 'next-puff/cache';
import { CacheValueError } from 'next-puff/errors';

let keys = 0;
let key: string;
beforeEach(() => {
  key = `key ${keys++}`;
});

test('what was set is there until it is deleted', async () => {
  expect(await cache.get(key)).toBeUndefined();
  expect(await cache.set(key, { a: [1, 'ü'] })).toBe(true);
  expect(await cache.get(key)).toEqual({ a: [1, 'ü'] });
  expect(await cache.delete(key)).toBe(true);
  expect(await cache.delete(key)).toBe(false);
  expect(await cache.get(key)).toBeUndefined();
});

test('values come back as they were, each time a copy', async () => {
  const value = {
    date: new Date(1),
    map: new Map([['a', new Set([1n])]]),
    bytes: new Uint8Array([0, 255]),
    nothing: undefined,
  };
  await cache.set(key, value);
  const [first, second] = [await cache.get<typeof value>(key), await cache.get(key)];
  expect(first).toEqual(value);
  expect(first).not.toBe(second);
  first?.map.clear();
  expect(await cache.get(key)).toEqual(value);
});

test('what cannot be copied is refused, and what was there stays', async () => {
  await cache.set(key, 1);
  const refused = cache.set(key, { callback: () => undefined });
  await expect(refused).rejects.toBeInstanceOf(CacheValueError);
  await expect(refused).rejects.toMatchObject({ code: 'PUFF_CACHE_VALUE' });
  expect(await cache.get(key)).toBe(1);
});

test('what is too large is not kept', async () => {
  await cache.set(key, 1);
  expect(await cache.set(key, Buffer.alloc(20 * 1024 * 1024))).toBe(false);
  expect(await cache.get(key)).toBeUndefined();
});

test('an entry lives as long as it was told to', async () => {
  await cache.set(key, 'short', { ttlMs: 100 });
  await cache.set(`${key} long`, 'long', { ttlMs: 60_000 });
  expect(await cache.get(`${key} long`)).toBe('long');
  const deadline = Date.now() + 10_000;
  while ((await cache.get(key)) !== undefined) expect(Date.now()).toBeLessThan(deadline);
  expect(await cache.get(`${key} long`)).toBe('long');
});

test('a revalidated tag takes away what has it', async () => {
  await cache.set(`${key} a`, 1, { tags: [`x ${key}`, 'y'] });
  await cache.set(`${key} b`, 1, { tags: ['z'] });
  await cache.revalidateTag([`x ${key}`]);
  expect(await cache.get(`${key} a`)).toBeUndefined();
  expect(await cache.get(`${key} b`)).toBe(1);
  await cache.set(`${key} a`, 2, { tags: [`x ${key}`] });
  expect(await cache.get(`${key} a`)).toBe(2);
});

describe('wrap', () => {
  test('makes a value once', async () => {
    let made = 0;
    const make = () => {
      made++;
      return { made };
    };
    expect(await cache.wrap(key, make)).toEqual({ made: 1 });
    expect(await cache.wrap(key, make)).toEqual({ made: 1 });
    expect(await cache.get(key)).toEqual({ made: 1 });
  });

  test('keeps that there is nothing', async () => {
    let made = 0;
    for (let round = 0; round < 2; round++) {
      expect(await cache.wrap(key, () => void made++)).toBeUndefined();
    }
    expect(made).toBe(1);
  });

  test('callers at the same time wait for one call, and share nothing', async () => {
    let made = 0;
    let finish: (value: { list: number[] }) => void = () => undefined;
    const make = () => {
      made++;
      return new Promise<{ list: number[] }>((resolve) => {
        finish = resolve;
      });
    };
    const calls = [1, 2, 3].map(() => cache.wrap(key, make));
    await new Promise(setImmediate);
    finish({ list: [1] });
    const values = await Promise.all(calls);
    expect(made).toBe(1);
    values[0]?.list.push(2);
    expect(values).toEqual([{ list: [1, 2] }, { list: [1] }, { list: [1] }]);
  });

  test('an error is for everybody who waits, and is not kept', async () => {
    const failure = new Error('on purpose');
    const failing = () => Promise.reject(failure);
    const calls = [cache.wrap(key, failing), cache.wrap(key, failing)];
    for (const call of calls) await expect(call).rejects.toBe(failure);
    expect(await cache.wrap(key, () => 'well')).toBe('well');
  });

  test.each([
    ['revalidated', () => cache.revalidateTag(`tag ${key}`), undefined],
    ['deleted', () => cache.delete(key), undefined],
    ['set', () => cache.set(key, 'set'), 'set'],
  ])('what was %s while it was made is answered, but not kept', async (_what, change, kept) => {
    const make = async () => {
      await change();
      return 'made';
    };
    expect(await cache.wrap(key, make, { tags: [`tag ${key}`] })).toBe('made');
    expect(await cache.get(key)).toBe(kept);
  });
});

test.each([
  ['a key', () => cache.get('')],
  ['a key', () => cache.set(undefined as never, 1)],
  ['ttlMs', () => cache.set('a', 1, { ttlMs: -1 })],
  ['ttlMs', () => cache.wrap('a', () => 1, { ttlMs: Number.NaN })],
  ['A tag', () => cache.set('a', 1, { tags: [''] })],
  ['A tag', () => cache.revalidateTag(1 as never)],
])('a wrong call says what is wrong with %s', async (what, call) => {
  await expect(call()).rejects.toThrow(new RegExp(what, 'i'));
});

test('the isolates of the process share entries and revalidations', async () => {
  await cache.set(key, 'of the main thread', { tags: [`tag ${key}`] });
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     import('next-puff/cache').then(async ({ cache }) => {
       const seen = await cache.get(workerData);
       await cache.set(workerData + ' worker', 'of the worker');
       await cache.revalidateTag('tag ' + workerData);
       parentPort.postMessage(seen);
     });`,
    { eval: true, workerData: key },
  );
  const seen = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  expect(seen).toBe('of the main thread');
  expect(await cache.get(key)).toBeUndefined();
  expect(await cache.get(`${key} worker`)).toBe('of the worker');
  await worker.terminate();
});
