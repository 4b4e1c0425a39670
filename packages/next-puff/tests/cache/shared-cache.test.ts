import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Handlers, start } from './support/contestant.ts';
import { newDistDir, removeDistDirs } from './support/dist-dirs.ts';
import { FOREVER, PAGE, page, READ_PAGE } from './support/incremental-cache.ts';

// What the shared cache does beside what Next.js' own does.

afterEach(removeDistDirs);

describe.each(['next-puff', 'next-puff with Redis'] as const)('%s', (name) => {
  let handlers: Handlers;
  let stop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    ({ handlers, stop } = await start(name));
  });
  afterAll(() => stop?.());

  const revalidate = (tag: string) => handlers.process.call('revalidateTag', tag);

  test('an entry of the same millisecond as a revalidation is older than that', async () => {
    expect(await handlers.foundRevalidated(newDistDir(), 20)).toBe(0);
  });

  test('what was revalidated while a page was rendered is not in the cache as it was before', async () => {
    const cache = handlers.incrementalCache({ distDir: newDistDir() });
    for (const isRevalidated of [true, false]) {
      expect(await cache.get('/rendering', READ_PAGE)).toBeNull();
      if (isRevalidated) await revalidate('meanwhile');
      await cache.set('/rendering', page('a', ['meanwhile']), { route: PAGE, ...FOREVER });
    }
    expect(await cache.get('/rendering', READ_PAGE)).not.toBeNull();
  });

  test('the app revalidates pages and results of "use cache" with its own cache', async () => {
    const cache = handlers.incrementalCache({ distDir: newDistDir() });
    await cache.set('/both', page('a', ['both']), { route: PAGE, ...FOREVER });
    await handlers.set('both', { texts: ['a'], tags: ['both'] });
    await revalidate('both');
    expect(await cache.get('/both', READ_PAGE)).toBeNull();
    expect(await handlers.get('both')).toBeUndefined();
  });

  test('what has expired at once is not merely stale because of a later profile', async () => {
    const distDir = newDistDir();
    const files = new Handlers(handlers.process, false).incrementalCache({ distDir, memory: 0 });
    await files.set('/seed', page('a', ['seed']), { route: PAGE, ...FOREVER });
    const cache = handlers.incrementalCache({ distDir });
    expect(await cache.get('/seed', READ_PAGE)).not.toBeNull();
    await revalidate('seed');
    await cache.revalidateTag('seed', { expire: 60 });
    expect(await cache.get('/seed', READ_PAGE)).toBeNull();
  });

  test('without memory it reads files each time', async () => {
    const distDir = newDistDir();
    const small = handlers.incrementalCache({ distDir, memory: 0 });
    await small.set('/small', page('a'), { route: PAGE, ...FOREVER });
    expect((await small.get('/small', READ_PAGE))?.value).toEqual(page('a'));
    rmSync(join(distDir, 'server'), { recursive: true });
    expect(await small.get('/small', READ_PAGE)).toBeNull();
  });

  test('a huge value is not kept in memory, and the one before it is gone', async () => {
    const cache = handlers.incrementalCache({ distDir: newDistDir(), flushToDisk: false });
    await cache.set('/huge', page('a'), { route: PAGE, ...FOREVER });
    const huge = { ...page('b'), html: 'b'.repeat(14 * 1024 * 1024) };
    await cache.set('/huge', huge, { route: PAGE, ...FOREVER });
    expect(await cache.get('/huge', READ_PAGE)).toBeNull();
  });

  test('images are kept', async () => {
    const { process } = handlers;
    const number = await process.call('openHandler', { distDir: newDistDir() });
    const image = { kind: 'IMAGE', etag: 'e', upstreamEtag: 'u', extension: 'webp' };
    const value = { ...image, buffer: Buffer.from([1, 2, 255]) };
    const written = { kind: 'IMAGE', cacheControl: { revalidate: 60 } };
    await process.call('onIncremental', number, 'set', 'image', value, written);
    const read = { kind: 'IMAGE', isFallback: false };
    expect(await process.call('onIncremental', number, 'get', 'image', read)).toMatchObject({
      value,
    });
  });
});
