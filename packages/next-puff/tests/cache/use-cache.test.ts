import { createRequire } from 'node:module';
import type { UseCacheEntry, UseCacheHandler } from '../../src/cache/next/next-modules.ts';

process.env.NEXT_PUFF_CACHE = '1';
const { default: ours } = await import('next-puff/use-cache-handler');
const { createDefaultCacheHandler } = createRequire(import.meta.url)(
  'next/dist/server/lib/cache-handlers/default.js',
) as { createDefaultCacheHandler(size: number): UseCacheHandler };

function entry(text: string, metadata: Partial<UseCacheEntry> = {}): UseCacheEntry {
  return {
    value: streamOf([text.slice(0, 1), text.slice(1)]),
    tags: [],
    stale: 300,
    timestamp: performance.timeOrigin + performance.now(),
    expire: 3600,
    revalidate: 900,
    ...metadata,
  };
}

function streamOf(texts: string[], failure?: Error): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const text of texts) controller.enqueue(Buffer.from(text));
      if (failure) controller.error(failure);
      else controller.close();
    },
  });
}

async function textOf(found: UseCacheEntry | undefined): Promise<string | undefined> {
  return found && new Response(found.value).text();
}

async function nextMillisecond(): Promise<void> {
  const now = Date.now();
  while (Date.now() <= now + 1) await new Promise((resolve) => setImmediate(resolve));
}

describe.each([
  ['next-puff', ours as UseCacheHandler],
  ['Next.js', createDefaultCacheHandler(50 * 1024 * 1024)],
])('the handler of "use cache" of %s', (name, handler) => {
  let keys = 0;
  let key: string;
  beforeEach(() => {
    key = `${name} ${keys++}`;
  });

  test('answers nothing for what it does not have', async () => {
    expect(await handler.get(key, [])).toBeUndefined();
  });

  test('answers an entry again and again, each time with a stream of its own', async () => {
    const { value: _, ...metadata } = entry('', { tags: ['a', 'b'] });
    await handler.set(key, Promise.resolve({ value: streamOf(['he', 'llo']), ...metadata }));
    for (let round = 0; round < 2; round++) {
      const found = await handler.get(key, []);
      expect(found).toMatchObject(metadata);
      expect(await textOf(found)).toBe('hello');
    }
  });

  test('an empty value is a value', async () => {
    await handler.set(key, Promise.resolve(entry('')));
    expect(await textOf(await handler.get(key, []))).toBe('');
  });

  test('a read waits for the write that has begun', async () => {
    let resolve: (value: UseCacheEntry) => void = () => undefined;
    const written = handler.set(
      key,
      new Promise((resolvePromise) => {
        resolve = resolvePromise;
      }),
    );
    const found = handler.get(key, []);
    const first = await Promise.race([found, new Promise((done) => setImmediate(done, 'waits'))]);
    expect(first).toBe('waits');
    resolve(entry('late'));
    expect(await textOf(await found)).toBe('late');
    await written;
  });

  test('half of a stream is not kept', async () => {
    const failing = { ...entry('x'), value: streamOf(['ha'], new Error('on purpose')) };
    await handler.set(key, Promise.resolve(failing));
    expect(await handler.get(key, [])).toBeUndefined();
  });

  test('what is dynamic is not kept', async () => {
    await handler.set(key, Promise.resolve(entry('a', { expire: 0, revalidate: 0 })));
    expect(await handler.get(key, [])).toBeUndefined();
  });

  test('an entry past its time of revalidation is not served', async () => {
    const past = performance.timeOrigin + performance.now() - 10_000;
    await handler.set(key, Promise.resolve(entry('a', { timestamp: past, revalidate: 9 })));
    expect(await handler.get(key, [])).toBeUndefined();
    await handler.set(key, Promise.resolve(entry('a', { timestamp: past, revalidate: 60 })));
    expect(await textOf(await handler.get(key, []))).toBe('a');
  });

  test('an updated tag takes away what has it', async () => {
    await handler.set(key, Promise.resolve(entry('a', { tags: [`tag ${key}`] })));
    await nextMillisecond();
    await handler.updateTags([`tag ${key}`]);
    await nextMillisecond();
    expect(await handler.get(key, [])).toBeUndefined();
    await nextMillisecond();
    await handler.set(key, Promise.resolve(entry('b', { tags: [`tag ${key}`] })));
    expect(await textOf(await handler.get(key, []))).toBe('b');
  });

  test('a tag that is updated with durations makes entries stale: to be served and made anew', async () => {
    await handler.set(key, Promise.resolve(entry('a', { tags: [`tag ${key}`] })));
    await nextMillisecond();
    await handler.updateTags([`tag ${key}`], { expire: 60 });
    const found = await handler.get(key, []);
    expect(found?.revalidate).toBe(-1);
    expect(await textOf(found)).toBe('a');
    await handler.updateTags([`tag ${key}`], { expire: 0 });
    await nextMillisecond();
    expect(await handler.get(key, [])).toBeUndefined();
  });

  test('tells when tags were last expired', async () => {
    await handler.refreshTags();
    expect(await handler.getExpiration([`soft ${key}`, `other ${key}`])).toBe(0);
    const before = Date.now();
    await handler.updateTags([`soft ${key}`]);
    const expiration = await handler.getExpiration([`soft ${key}`, `other ${key}`]);
    expect(expiration).toBeGreaterThanOrEqual(before - 1);
    expect(expiration).toBeLessThanOrEqual(Date.now() + 1);
    expect(await handler.getExpiration([`other ${key}`])).toBe(0);
  });
});

describe('only with next-puff', () => {
  test('a write that failed holds nobody up', async () => {
    const failure = new Error('on purpose');
    await expect(ours.set('failed', Promise.reject(failure))).rejects.toBe(failure);
    expect(await ours.get('failed', [])).toBeUndefined();
  });
});
