import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE_VARIABLE } from '../../src/cache/next/activation.ts';
import type { CacheOptions } from './support/incremental-cache.ts';
import {
  FOREVER,
  incrementalCache,
  newDistDir,
  PAGE,
  page,
  READ_PAGE,
  removeDistDirs,
} from './support/incremental-cache.ts';

// What the shared cache does beside what Next.js' own does. Not in one file with that: it keeps entries in a static member.
process.env[CACHE_VARIABLE] = '1';
const { default: CacheHandler } = await import('next-puff/cache-handler');
const { cache: userCache } = await import('next-puff/cache');

afterEach(removeDistDirs);

const handler = CacheHandler as unknown as CacheOptions['handler'];

test('an entry of the same millisecond as a revalidation is older than that', async () => {
  const cache = incrementalCache({ handler, distDir: newDistDir() });
  for (let round = 0; round < 20; round++) {
    await cache.set('/quick', page('a', ['quick']), { route: PAGE, ...FOREVER });
    await cache.revalidateTag('quick');
    expect(await cache.get('/quick', READ_PAGE)).toBeNull();
  }
});

test('what was revalidated while a page was rendered is not in the cache as it was before', async () => {
  const cache = incrementalCache({ handler, distDir: newDistDir() });
  for (const isRevalidated of [true, false]) {
    expect(await cache.get('/rendering', READ_PAGE)).toBeNull();
    if (isRevalidated) await userCache.revalidateTag('meanwhile');
    await cache.set('/rendering', page('a', ['meanwhile']), { route: PAGE, ...FOREVER });
  }
  expect(await cache.get('/rendering', READ_PAGE)).not.toBeNull();
});

test('the app revalidates pages with its own cache', async () => {
  const cache = incrementalCache({ handler, distDir: newDistDir() });
  await cache.set('/both', page('a', ['both']), { route: PAGE, ...FOREVER });
  await userCache.revalidateTag('both');
  expect(await cache.get('/both', READ_PAGE)).toBeNull();
});

test('without memory it reads files each time', async () => {
  const distDir = newDistDir();
  const small = incrementalCache({ handler, distDir, maxMemoryCacheSize: 0 });
  await small.set('/small', page('a'), { route: PAGE, ...FOREVER });
  expect((await small.get('/small', READ_PAGE))?.value).toEqual(page('a'));
  rmSync(join(distDir, 'server'), { recursive: true });
  expect(await small.get('/small', READ_PAGE)).toBeNull();
});

test('a huge value is not kept in memory, and the one before it is gone', async () => {
  const cache = incrementalCache({ handler, distDir: newDistDir(), flushToDisk: false });
  await cache.set('/huge', page('a'), { route: PAGE, ...FOREVER });
  const huge = { ...page('b'), html: 'b'.repeat(14 * 1024 * 1024) };
  await cache.set('/huge', huge, { route: PAGE, ...FOREVER });
  expect(await cache.get('/huge', READ_PAGE)).toBeNull();
  const context = { kind: 'IMAGE', isFallback: false };
  const images = new CacheHandler({ serverDistDir: '/nowhere/.next/server' });
  const image = { kind: 'IMAGE' as const, etag: 'e', upstreamEtag: 'u', extension: 'webp' };
  const value = { ...image, buffer: Buffer.from([1, 2, 255]) };
  await images.set('image', value, { kind: 'IMAGE', cacheControl: { revalidate: 60 } });
  expect(await images.get('image', context as never)).toMatchObject({ value });
});
