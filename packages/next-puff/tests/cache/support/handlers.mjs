// The handlers of Next.js' two cache APIs as a process of its own has them: ours, or those of Next.js.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const CAPACITY = 50 * 1024 * 1024;

const opened = [];
const begun = [];
let ofNext;

/** Makes what Next.js makes for every request, `IncrementalCache` with its handler, and answers its number. */
export async function openIncremental({ isOurs, distDir, flushToDisk = true, memory = CAPACITY }) {
  const { IncrementalCache } = require('next/dist/server/lib/incremental-cache/index.js');
  const { nodeFs } = require('next/dist/server/lib/node-fs-methods.js');
  const handler = isOurs ? (await import('next-puff/cache-handler')).default : undefined;
  const cache = new IncrementalCache({
    fs: nodeFs,
    dev: false,
    flushToDisk,
    minimalMode: false,
    serverDistDir: `${distDir}/server`,
    requestHeaders: {},
    maxMemoryCacheSize: memory,
    previewProps: { previewModeId: 'preview' },
    prerenderManifest: { routes: {}, dynamicRoutes: {}, notFoundRoutes: [] },
    CurCacheHandler: handler,
  });
  return opened.push(cache) - 1;
}

/** Makes our handler alone, as Next.js' image optimizer has it, and answers its number. */
export async function openHandler({ distDir }) {
  const { default: CacheHandler } = await import('next-puff/cache-handler');
  return opened.push(new CacheHandler({ serverDistDir: `${distDir}/server` })) - 1;
}

export const onIncremental = (number, method, ...args) => opened[number][method](...args);

async function useCacheHandler(isOurs) {
  if (isOurs) return (await import('next-puff/use-cache-handler')).default;
  ofNext ??= require('next/dist/server/lib/cache-handlers/default.js').createDefaultCacheHandler(
    CAPACITY,
  );
  return ofNext;
}

function entryOf({ texts, failure, ...metadata }) {
  const value = new ReadableStream({
    start(controller) {
      for (const text of texts) controller.enqueue(Buffer.from(text));
      if (failure) controller.error(new Error(failure));
      else controller.close();
    },
  });
  const timestamp = performance.timeOrigin + performance.now();
  return { tags: [], stale: 300, timestamp, expire: 3600, revalidate: 900, ...metadata, value };
}

export async function useCacheSet(isOurs, key, entry) {
  await (await useCacheHandler(isOurs)).set(key, Promise.resolve(entryOf(entry)));
}

/** Begins to write an entry that is not there yet; answers its number for `useCacheFinish`. */
export async function useCacheBegin(isOurs, key) {
  let resolve;
  let reject;
  const pending = new Promise((onResolved, onRejected) => {
    [resolve, reject] = [onResolved, onRejected];
  });
  const written = (await useCacheHandler(isOurs)).set(key, pending).then(
    () => 'written',
    (error) => error.message,
  );
  return begun.push({ resolve, reject, written }) - 1;
}

/** Answers what has become of the write. */
export function useCacheFinish(number, entry) {
  const { resolve, reject, written } = begun[number];
  if (entry) resolve(entryOf(entry));
  else reject(new Error('on purpose'));
  return written;
}

export async function useCacheGet(isOurs, key, softTags) {
  const found = await (await useCacheHandler(isOurs)).get(key, softTags);
  if (found === undefined) return undefined;
  const { value, ...metadata } = found;
  return { ...metadata, text: await new Response(value).text() };
}

/** What Next.js does with soft tags: it asks for them before, and drops what is older. */
export async function useCacheRead(isOurs, key, softTags) {
  const handler = await useCacheHandler(isOurs);
  await handler.refreshTags();
  const found = await useCacheGet(isOurs, key, softTags);
  const expiration = await handler.getExpiration(softTags);
  return found === undefined || found.timestamp <= expiration ? undefined : found;
}

export const useCacheExpiration = async (isOurs, tags) =>
  (await useCacheHandler(isOurs)).getExpiration(tags);

export const useCacheUpdate = async (isOurs, tags, durations) =>
  (await useCacheHandler(isOurs)).updateTags(tags, durations);

/** Writes an entry and revalidates its tag at once, again and again; answers how often it was found afterwards. */
export async function revalidateAtOnce(number, { key, value, write, read, tag, rounds }) {
  let found = 0;
  for (let round = 0; round < rounds; round++) {
    await opened[number].set(key, value, write);
    await opened[number].revalidateTag(tag);
    if ((await opened[number].get(key, read)) !== null) found++;
  }
  return found;
}
