import type {
  CacheHandlerContext,
  CacheHandlerValue,
  IncrementalCacheHandler,
  ReadContext,
  WriteContext,
} from './next/next-modules.js';
import type { StoredValue } from './next/stored-value.js';

// This file is what `cacheHandler` names. Next.js bundles it into routes of the edge runtime, where neither the addon nor
// Next.js' files are: nothing may be imported but in the branch that bundlers drop there. It is loaded with this file, and
// not later, so that a revalidation takes effect before the answer to who asked for it.
const handlers =
  process.env.NEXT_RUNTIME === 'edge' ? undefined : await import('./next/open-handlers.js');

/**
 * Next.js' `cacheHandler`: pages, route handlers, `fetch` and images in the store of the process, which all isolates share.
 *
 * It is in use where the environment has `NEXT_PUFF_CACHE=1`, as under `next-puff start`; else it is Next.js' own handler.
 * In the edge runtime it keeps nothing.
 */
export default class CacheHandler implements IncrementalCacheHandler {
  readonly #handler: IncrementalCacheHandler | undefined;

  constructor(context: CacheHandlerContext) {
    this.#handler = handlers?.openIncrementalCache(context);
  }

  async get(key: string, context: ReadContext): Promise<CacheHandlerValue | null> {
    return this.#handler ? this.#handler.get(key, context) : null;
  }

  async set(key: string, value: StoredValue | null, context: WriteContext): Promise<void> {
    await this.#handler?.set(key, value, context);
  }

  async revalidateTag(
    tags: string | readonly string[],
    durations?: { expire?: number | undefined },
  ): Promise<void> {
    await this.#handler?.revalidateTag(tags, durations);
  }

  /** Nothing is kept for one request only. */
  resetRequestCache(): void {}
}
