import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { types } from 'node:util';
import { nextMillisecond } from './support/cache-process.ts';
import { CONTESTANTS, Handlers, start } from './support/contestant.ts';
import { newDistDir, removeDistDirs } from './support/dist-dirs.ts';
import type { IncrementalCache } from './support/incremental-cache.ts';
import { FOREVER, PAGE, page, READ_PAGE } from './support/incremental-cache.ts';

const FETCH = { kind: 'FETCH', data: { headers: {}, body: 'aGk=', url: 'u', status: 200 } };

/** Next.js' own handler in the same process. */
function ofNext({ process }: Handlers): Handlers {
  return new Handlers(process, false);
}

async function until<Result>(read: () => Promise<Result>, isDone: (result: Result) => boolean) {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const result = await read();
    if (isDone(result)) return result;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(result)}`);
  }
}

afterEach(removeDistDirs);

describe.each(CONTESTANTS)('the incremental cache of %s', (name) => {
  let handlers: Handlers;
  let stop: (() => Promise<void>) | undefined;
  let distDir: string;
  let cache: IncrementalCache;
  let keys = 0;
  let path: string;

  beforeAll(async () => {
    ({ handlers, stop } = await start(name));
  });
  afterAll(() => stop?.());

  beforeEach(() => {
    distDir = newDistDir();
    cache = handlers.incrementalCache({ distDir });
    path = `/page-${keys++}`;
  });

  const setPage = (text: string, tags?: string[], options: object = FOREVER) =>
    cache.set(path, page(text, tags), { route: PAGE, isFallback: false, ...options });

  test('answers nothing for what it does not have', async () => {
    expect(await cache.get(path, READ_PAGE)).toBeNull();
  });

  test('answers a page with all its parts', async () => {
    await setPage('a');
    const entry = await cache.get(path, READ_PAGE);
    expect(entry?.isStale).toBeUndefined();
    expect(entry?.value).toEqual(page('a'));
    expect(types.isMap(entry?.value?.segmentData)).toBe(true);
    expect(Buffer.isBuffer(entry?.value?.rscData)).toBe(true);
    expect(entry?.cacheControl).toEqual({ revalidate: false });
  });

  test.each([
    [
      'a page of the Pages Router',
      'PAGES',
      {
        kind: 'PAGES',
        html: '<p>€</p>',
        pageData: { pageProps: { list: [1, null] } },
        headers: undefined,
        status: 200,
      },
    ],
    [
      'a route handler',
      'APP_ROUTE',
      {
        kind: 'APP_ROUTE',
        body: Buffer.from([0, 1, 254, 255]),
        headers: { 'content-type': 'application/octet-stream', 'set-cookie': ['a=1', 'b=2'] },
        status: 201,
      },
    ],
    ['a redirect', 'PAGES', { kind: 'REDIRECT', props: { to: '/elsewhere' } }],
  ])('answers %s', async (_kind, kind, value) => {
    const route = { kind, sourceRoute: '/source' };
    await cache.set(path, value, { route, ...FOREVER });
    const entry = await cache.get(path, { kind, isFallback: false, route });
    expect(entry?.value).toEqual(value);
  });

  test('keeps that there is nothing', async () => {
    await setPage('a');
    await cache.set(path, null, { route: PAGE, ...FOREVER });
    expect(await cache.get(path, READ_PAGE)).toMatchObject({ value: null });
  });

  test('keeps the newest', async () => {
    await setPage('a');
    await setPage('b');
    expect((await cache.get(path, READ_PAGE))?.value?.html).toContain('b');
  });

  test('tells when an entry is stale, and when it has expired', async () => {
    await setPage('a', [], { cacheControl: { revalidate: 0.1, expire: 2 } });
    const stale = await until(
      () => cache.get(path, READ_PAGE),
      (entry) => entry?.isStale !== undefined,
    );
    expect(stale?.isStale).toBe(true);
    expect(stale?.value).toEqual(page('a'));
    await until(
      () => cache.get(path, READ_PAGE),
      (entry) => entry?.isStale === -1,
    );
  });

  test('a revalidated tag takes away what has it', async () => {
    await setPage('a', ['_N_T_/layout', 'tag']);
    await nextMillisecond();
    await cache.revalidateTag(['tag']);
    expect(await cache.get(path, READ_PAGE)).toBeNull();
    await nextMillisecond();
    await setPage('b', ['_N_T_/layout', 'tag']);
    expect((await cache.get(path, READ_PAGE))?.isStale).toBeUndefined();
  });

  test('a tag that is revalidated with a profile leaves stale entries, until it expires', async () => {
    await setPage('a', ['profiled']);
    await nextMillisecond();
    await cache.revalidateTag('profiled', { expire: 2 });
    const stale = await cache.get(path, READ_PAGE);
    expect(stale?.isStale).toBe(true);
    expect(stale?.value).toEqual(page('a', ['profiled']));
    await until(
      () => cache.get(path, READ_PAGE),
      (entry) => entry === null,
    );
  });

  test('fetch entries go by the tags of the reader', async () => {
    const write = { fetchCache: true, tags: ['data'], fetchUrl: 'u' };
    const value = { ...FETCH, revalidate: 3600, tags: ['data'] };
    const read = { kind: 'FETCH', revalidate: 3600, tags: ['data'], softTags: ['_N_T_/soft'] };
    await cache.set(path, value, write);
    expect(await cache.get(path, read)).toMatchObject({ isStale: false, value: FETCH });
    await nextMillisecond();
    await cache.revalidateTag(['_N_T_/soft']);
    expect(await cache.get(path, read)).toBeNull();
    expect(await cache.get(path, { ...read, softTags: [] })).toMatchObject({ value: FETCH });
    await cache.revalidateTag(['data'], { expire: 60 });
    const other = { ...read, softTags: [] };
    expect(await cache.get(path, other)).toMatchObject({ isStale: true, value: FETCH });
  });

  test('entries are in files for the next start, unless that is off', async () => {
    await setPage('a', ['tag']);
    await cache.set('fetch-key', { ...FETCH, revalidate: 60 }, { fetchCache: true, tags: [] });
    const files = readdirSync(distDir, { recursive: true }).map(String).sort();
    expect(files.filter((file) => /\.(html|meta|rsc)$/.test(file))).toHaveLength(5);
    expect(files).toContain(join('cache', 'fetch-cache', 'fetch-key'));
    // Next.js' own handler, with nothing in its memory, reads them.
    const afterStart = ofNext(handlers).incrementalCache({ distDir, memory: 0 });
    expect((await afterStart.get(path, READ_PAGE))?.value).toEqual(page('a', ['tag']));

    const other = newDistDir();
    const inMemory = handlers.incrementalCache({ distDir: other, flushToDisk: false });
    await inMemory.set(path, page('b'), { route: PAGE, ...FOREVER });
    expect(readdirSync(other)).toEqual([]);
  });

  test('the files of the build are read, and what was revalidated since is not', async () => {
    const build = ofNext(handlers).incrementalCache({ distDir, memory: 0 });
    const other = `${path}-other`;
    for (const [at, tag] of [
      [path, 'of the build'],
      [other, 'other'],
    ] as const) {
      await build.set(at, page(at, [tag]), { route: PAGE, cacheControl: { revalidate: 60 } });
    }
    const seed = await cache.get(path, READ_PAGE);
    expect(seed?.value).toEqual(page(path, ['of the build']));
    expect(seed?.cacheControl).toEqual({ revalidate: 60 });
    await nextMillisecond();
    await cache.revalidateTag(['of the build', 'other']);
    expect(await cache.get(path, READ_PAGE)).toBeNull();
    expect(await cache.get(other, READ_PAGE)).toBeNull();
  });
});
