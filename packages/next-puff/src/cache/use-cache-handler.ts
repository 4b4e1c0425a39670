import type { UseCacheHandler } from './next/next-modules.js';

// As `cache-handler.ts`: bundled for the edge runtime, where nothing may be imported.
const handlers =
  process.env.NEXT_RUNTIME === 'edge' ? undefined : await import('./next/open-handlers.js');

let opened: UseCacheHandler | undefined;

/** Opened with the first call: Next.js names this module before it has set up its own handlers. */
function handler(): UseCacheHandler | undefined {
  opened ??= handlers?.openUseCache();
  return opened;
}

/**
 * Next.js' `cacheHandlers.default` and `cacheHandlers.remote`: results of `use cache` in the store of the process, which all
 * isolates share.
 *
 * It is in use where the environment has `NEXT_PUFF_CACHE=1`, as under `next-puff start`; else it is Next.js' own handler.
 * In the edge runtime it keeps nothing.
 */
const useCacheHandler: UseCacheHandler = {
  get: async (key, softTags) => handler()?.get(key, softTags),
  set: async (key, pendingEntry) => handler()?.set(key, pendingEntry),
  refreshTags: async () => handler()?.refreshTags(),
  getExpiration: async (tags) => handler()?.getExpiration(tags) ?? 0,
  updateTags: async (tags, durations) => handler()?.updateTags(tags, durations),
};

export default useCacheHandler;
