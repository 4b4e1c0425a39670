import { join } from 'node:path';
import { loadNative } from '../../native.js';
import { reportUnavailable, usesSharedCache } from './activation.js';
import { SharedIncrementalCache } from './incremental-cache.js';
import {
  type CacheHandlerContext,
  type IncrementalCacheHandler,
  nextModules,
  type UseCacheHandler,
} from './next-modules.js';
import { SharedUseCache } from './use-cache.js';

let isShared: boolean | undefined;

/** Decided once: an isolate that has begun with one cache goes on with it. */
function isSharedCacheOpen(): boolean {
  if (isShared !== undefined) return isShared;
  isShared = usesSharedCache();
  if (!isShared) return false;
  try {
    loadNative();
  } catch (error) {
    reportUnavailable(error);
    isShared = false;
  }
  return isShared;
}

/** The handler for one request: ours, or what Next.js would use without one. */
export function openIncrementalCache(context: CacheHandlerContext): IncrementalCacheHandler {
  if (isSharedCacheOpen()) return new SharedIncrementalCache(context);
  const dir = context.serverDistDir ?? join(process.cwd(), '.next', 'server');
  const { FileSystemCache } = nextModules(dir);
  return new FileSystemCache(context);
}

// Next.js makes its own handlers before it loads those of others.
const BUILT_IN = Symbol.for('@next/cache-handlers-built-in');
const DEFAULT_SIZE = 50 * 1024 * 1024;

/** The handler of `use cache`: ours, or Next.js' own. */
export function openUseCache(): UseCacheHandler {
  if (isSharedCacheOpen()) return new SharedUseCache();
  const [builtIn] = (globalThis as { [BUILT_IN]?: Set<UseCacheHandler> })[BUILT_IN] ?? [];
  return builtIn ?? nextModules(process.cwd()).createDefaultCacheHandler(DEFAULT_SIZE);
}
