import { jest } from '@jest/globals';
import { Redis } from 'next-puff/ioredis';
import { RedisServer } from '../redis/support/redis-server.ts';
import { CacheProcess, eventually } from './support/cache-process.ts';
import { Handlers } from './support/contestant.ts';
import { newDistDir, removeDistDirs } from './support/dist-dirs.ts';
import { FOREVER, PAGE, page, READ_PAGE } from './support/incremental-cache.ts';

jest.setTimeout(60_000);

const MAX_SHARED_BYTES = 100_000;

let server: RedisServer;
let redis: Redis;
let one: CacheProcess;
let two: CacheProcess;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = new Redis(server.url);
  [one, two] = [newProcess(), newProcess()];
  // What is put before a process hears the others does not last.
  await Promise.all([one.call('listen'), two.call('listen')]);
});
afterAll(async () => {
  await Promise.all([one?.stop(), two?.stop()]);
  removeDistDirs();
  redis?.disconnect();
  await server?.stop();
});

function newProcess(): CacheProcess {
  return CacheProcess.withRedis(server.url, { maxSharedEntryBytes: MAX_SHARED_BYTES });
}

/** Uses a process that starts now. */
async function withLater(use: (later: CacheProcess) => Promise<void>): Promise<void> {
  const later = newProcess();
  try {
    await use(later);
  } finally {
    await later.stop();
  }
}

const keyOf = (key: string) => `{next-puff:app:cache}:entry:${key}`;
const isThere = (key: string) => async () => (await redis.exists(keyOf(key))) === 1;
const isGone = (key: string) => async () => (await redis.exists(keyOf(key))) === 0;
/** The key of the only page of a build; Next.js makes keys of its own out of paths. */
const pageOf = async (build: string) => (await redis.keys(`${keyOf(`next ${build} `)}*`))[0];
const hasPage = (build: string) => async () => (await pageOf(build)) !== undefined;
/** Redis has been told of the revalidation of a tag. */
const isMarked = (tag: string) => async () =>
  (await redis.zscore('{next-puff:app:cache}:tags', tag)) !== null;

describe('the cache of the app', () => {
  test('one process finds what another has put', async () => {
    const value = { list: [1, new Date(0)], bytes: Buffer.from([0, 255]) };
    await one.call('set', 'shared', value);
    await eventually(isThere('user shared'), 'it is shared');
    expect(await two.call('get', 'shared')).toMatchObject({ list: value.list });
  });

  test('what was revalidated is found by nobody, also not by a process that starts later', async () => {
    await one.call('set', 'tagged', 1, { tags: ['tag'] });
    await two.until('tagged', 1);
    await one.call('revalidateTag', 'tag');
    expect(await one.call('get', 'tagged')).toBeUndefined();
    await eventually(isMarked('tag'), 'Redis knows');
    await withLater(async (later) => {
      expect(await later.call('get', 'tagged')).toBeUndefined();
      await one.call('set', 'tagged', 2, { tags: ['tag'] });
      await later.until('tagged', 2);
    });
  });

  test('entries end in Redis as they do here', async () => {
    await one.call('set', 'brief', 1, { ttlMs: 3_600_000 });
    await eventually(isThere('user brief'), 'it is shared');
    const ttl = await redis.pttl(keyOf('user brief'));
    expect(ttl).toBeGreaterThan(3_000_000);
    expect(ttl).toBeLessThanOrEqual(3_600_000);
  });

  test('a large value stays in its process, and the one before it is nowhere', async () => {
    await one.call('set', 'large', 'small');
    await eventually(isThere('user large'), 'it is shared');
    await one.call('set', 'large', 'l'.repeat(MAX_SHARED_BYTES));
    expect(await one.call('get', 'large')).toHaveLength(MAX_SHARED_BYTES);
    await eventually(isGone('user large'), 'the small one is gone');
    expect(await two.call('get', 'large')).toBeUndefined();
  });
});

describe('wrap', () => {
  const made = async () =>
    (await Promise.all([one, two].map((process) => process.call<number>('made')))).reduce(
      (sum, count) => sum + count,
      0,
    );
  /** The claim of a key, as another process has it. */
  const claim = (key: string, ms: number) =>
    redis.set(`{next-puff:app:cache}:claim:user ${key}`, 'somebody', 'PX', ms);

  test('of all processes one makes a value, for which the others wait', async () => {
    const before = await made();
    const calls = [one, two, one, two].map((process) =>
      process.call('wrap', 'once', { text: 'x' }, { takesMs: 300 }),
    );
    expect(await Promise.all(calls)).toEqual(Array(4).fill({ text: 'x' }));
    expect((await made()) - before).toBe(1);
    expect(await redis.exists('{next-puff:app:cache}:claim:user once')).toBe(0);
  });

  test('when the one who makes it fails, another does', async () => {
    const before = await made();
    const failing = one.call('wrap', 'failing', 'a', { takesMs: 300, fails: true });
    const refused = expect(failing).rejects.toThrow('no a');
    await eventually(async () => (await made()) > before, 'it has begun');
    expect(await two.call('wrap', 'failing', 'b')).toBe('b');
    await refused;
  });

  test('who crashed holds nobody up for longer than was said', async () => {
    const begin = performance.now();
    await claim('crashed', 400);
    expect(await one.call('wrap', 'crashed', 1, { waitMs: 30_000 })).toBe(1);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(390);
    expect(performance.now() - begin).toBeLessThan(20_000);
  });

  test('who hangs is not waited for longer than waitMs', async () => {
    await claim('hanging', 600_000);
    expect(await one.call('wrap', 'hanging', 1, { waitMs: 100 })).toBe(1);
    expect(await redis.exists('{next-puff:app:cache}:claim:user hanging')).toBe(1);
  });

  test('what is under the name of a claim and has no end is none', async () => {
    await redis.set('{next-puff:app:cache}:claim:user strange', 'x');
    const begin = performance.now();
    expect(await one.call('wrap', 'strange', 1, { waitMs: 60_000 })).toBe(1);
    expect(performance.now() - begin).toBeLessThan(20_000);
  });
});

describe("the handlers of Next.js' caches", () => {
  const handlersOf = (process: CacheProcess) => new Handlers(process);

  test('a page that one process has rendered is there for the others, with all its parts', async () => {
    const [here, there] = ['a build', 'a build'].map(newDistDir) as [string, string];
    const cache = handlersOf(one).incrementalCache({ distDir: here });
    await cache.set('/page', page('a', ['tag a']), { route: PAGE, ...FOREVER });
    await eventually(hasPage('a build'), 'it is shared');
    const other = handlersOf(two).incrementalCache({ distDir: there });
    expect((await other.get('/page', READ_PAGE))?.value).toEqual(page('a', ['tag a']));
  });

  test('another build sees nothing of it', async () => {
    const cache = handlersOf(one).incrementalCache({ distDir: newDistDir('old') });
    await cache.set('/page', page('a'), { route: PAGE, ...FOREVER });
    await eventually(hasPage('old'), 'it is shared');
    for (const process of [one, two]) {
      const other = handlersOf(process).incrementalCache({ distDir: newDistDir('new') });
      expect(await other.get('/page', READ_PAGE)).toBeNull();
    }
  });

  test('a page whose time is over here, and that another process has renewed, is taken from there', async () => {
    const caches = [one, two].map((process) =>
      handlersOf(process).incrementalCache({ distDir: newDistDir('renewed'), flushToDisk: false }),
    );
    const [first, second] = caches as [(typeof caches)[0], (typeof caches)[0]];
    const brief = { route: PAGE, cacheControl: { revalidate: 0.2, expire: 600 } };
    await first.set('/renewed', page('a'), brief);
    await eventually(hasPage('renewed'), 'it is shared');
    expect((await second.get('/renewed', READ_PAGE))?.value?.html).toContain('a');
    const isStale = async () => (await second.get('/renewed', READ_PAGE))?.isStale === true;
    await eventually(isStale, 'its time is over');
    await first.set('/renewed', page('b'), { route: PAGE, ...FOREVER });
    const renewed = async () => (await second.get('/renewed', READ_PAGE))?.isStale !== true;
    await eventually(renewed, 'it is fresh again');
    expect((await second.get('/renewed', READ_PAGE))?.value).toEqual(page('b'));
  });

  test('so is a page with a stale tag, and a result of "use cache" past its time', async () => {
    const [first, second] = [one, two].map((process) =>
      handlersOf(process).incrementalCache({ distDir: newDistDir('stale'), flushToDisk: false }),
    ) as [ReturnType<Handlers['incrementalCache']>, ReturnType<Handlers['incrementalCache']>];
    const forever = { route: PAGE, ...FOREVER };
    await first.set('/stale', page('a', ['profile']), forever);
    await eventually(hasPage('stale'), 'it is shared');
    expect((await second.get('/stale', READ_PAGE))?.isStale).toBeUndefined();
    await first.revalidateTag('profile', { expire: 600 });
    const isStale = async () => (await second.get('/stale', READ_PAGE))?.isStale === true;
    await eventually(isStale, 'the other has heard of it');
    await first.set('/stale', page('b', ['profile']), forever);
    const renewed = async () => (await second.get('/stale', READ_PAGE))?.isStale === undefined;
    await eventually(renewed, 'it is fresh again');
    expect((await second.get('/stale', READ_PAGE))?.value?.html).toContain('b');

    const past = Date.now() - 10_000;
    await handlersOf(two).set('past', { texts: ['a'], timestamp: past, revalidate: 1 });
    expect(await handlersOf(two).get('past')).toBeUndefined();
    await handlersOf(one).set('past', { texts: ['b'] });
    const isNew = async () => (await handlersOf(two).get('past'))?.text === 'b';
    await eventually(isNew, 'the new one is found');
  });

  test('an older page does not take the place of a newer one', async () => {
    const cache = handlersOf(one).incrementalCache({ distDir: newDistDir('order') });
    await cache.set('/order', page('a'), { route: PAGE, cacheControl: { revalidate: 0.001 } });
    await eventually(hasPage('order'), 'it is shared');
    const key = (await pageOf('order')) as string;
    const older = await redis.hgetallBuffer(key);
    await cache.set('/order', page('b'), { route: PAGE, cacheControl: { revalidate: 0.001 } });
    const isNewer = async () => (await redis.hget(key, 'created')) !== String(older.created);
    await eventually(isNewer, 'the newer one is shared');
    await redis.hset(key, ...Object.entries(older).flat());
    expect((await cache.get('/order', READ_PAGE))?.value?.html).toContain('b');
  });

  test('revalidations count for a process that starts later: for files of the build', async () => {
    const distDir = newDistDir('seeded');
    const build = new Handlers(one, false).incrementalCache({ distDir, memory: 0 });
    for (const tag of ['expired', 'stale', 'kept']) {
      const route = { route: PAGE, ...FOREVER };
      await build.set(`/${tag}`, page(tag, [`${tag} before`]), route);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
    const cache = handlersOf(one).incrementalCache({ distDir });
    await cache.revalidateTag('expired before');
    await cache.revalidateTag('stale before', { expire: 600 });
    await eventually(isMarked('stale before'), 'Redis knows');
    await withLater(async (later) => {
      const seeds = handlersOf(later).incrementalCache({ distDir });
      expect(await seeds.get('/expired', READ_PAGE)).toBeNull();
      expect(await seeds.get('/stale', READ_PAGE)).toMatchObject({ isStale: true });
      expect(await seeds.get('/kept', READ_PAGE)).not.toBeNull();
    });
  });

  test('and for the soft tags of who reads', async () => {
    await handlersOf(one).set('soft', { texts: ['a'], tags: ['own'] });
    await eventually(isThere('use cache soft'), 'it is shared');
    // Revalidations count milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 10));
    await handlersOf(one).updateTags(['_N_T_/before']);
    await eventually(isMarked('_N_T_/before'), 'Redis knows');
    await withLater(async (later) => {
      expect(await handlersOf(later).expirationOf(['_N_T_/before'])).toBeGreaterThan(0);
      expect(await handlersOf(later).expirationOf(['_N_T_/another'])).toBe(0);
      // First who may use it, then who may not.
      expect(await handlersOf(later).read('soft', ['_N_T_/another'])).toMatchObject({ text: 'a' });
      expect(await handlersOf(later).read('soft', ['_N_T_/before'])).toBeUndefined();
      await handlersOf(one).set('soft', { texts: ['b'], tags: ['own'] });
      const isNew = async () =>
        (await handlersOf(later).read('soft', ['_N_T_/before']))?.text === 'b';
      await eventually(isNew, 'what was made since is found');
    });
  });

  test('more revalidations than one answer holds', async () => {
    const tags = Array.from({ length: 12_001 }, (_, index) => `many ${index}`);
    for (let first = 0; first < tags.length; first += 3000) {
      await one.call('revalidateTag', tags.slice(first, first + 3000));
    }
    await eventually(isMarked('many 12000'), 'Redis knows');
    await withLater(async (later) => {
      for (const tag of ['many 0', 'many 4999', 'many 5000', 'many 12000']) {
        const knows = async () => (await handlersOf(later).expirationOf([tag])) > 0;
        await eventually(knows, 'it is known');
      }
    });
  });
});
