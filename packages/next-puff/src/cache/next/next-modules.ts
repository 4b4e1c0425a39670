import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { StoredValue } from './stored-value.js';

/** When a tag was revalidated, as Next.js' own tags manifest has it. */
export interface TagRecord {
  stale?: number;
  expired?: number;
}

/** What Next.js passes to the constructor of a cache handler, as far as it is used here. */
export interface CacheHandlerContext {
  serverDistDir?: string;
  maxMemoryCacheSize?: number;
  flushToDisk?: boolean;
  revalidatedTags?: readonly string[];
}

/** What Next.js passes with a read. */
export interface ReadContext {
  kind: 'APP_PAGE' | 'APP_ROUTE' | 'PAGES' | 'FETCH' | 'IMAGE';
  tags?: readonly string[];
  softTags?: readonly string[];
  revalidate?: number | false;
  isFallback?: boolean;
  isRoutePPREnabled?: boolean;
}

/** What Next.js passes with a write. */
export interface WriteContext {
  fetchCache?: boolean;
  kind?: 'IMAGE';
  tags?: readonly string[];
  cacheControl?: CacheControl;
  isFallback?: boolean;
  isRoutePPREnabled?: boolean;
}

/** How long an entry may be used, in seconds. */
export interface CacheControl {
  revalidate?: number | false;
  expire?: number;
}

/** What a cache handler answers to a read. */
export interface CacheHandlerValue {
  lastModified: number;
  value: StoredValue | null;
  cacheControl?: CacheControl | undefined;
}

/** `cacheHandler` as Next.js calls it. */
export interface IncrementalCacheHandler {
  get(key: string, context: ReadContext): Promise<CacheHandlerValue | null>;
  set(key: string, value: StoredValue | null, context: WriteContext): Promise<void>;
  revalidateTag(
    tags: string | readonly string[],
    durations?: { expire?: number | undefined },
  ): Promise<void>;
  resetRequestCache(): void;
}

/** The parts of Next.js that the handlers stand on; none of them is documented. */
export interface NextModules {
  /** Next.js' own handler. */
  FileSystemCache: new (
    context: CacheHandlerContext,
  ) => IncrementalCacheHandler;
  /** What `IncrementalCache` looks tags up in, in this isolate. */
  tagsManifest: Map<string, TagRecord>;
  createDefaultCacheHandler(maxSize: number): UseCacheHandler;
}

/** An entry of `use cache`; times are in milliseconds, durations in seconds. */
export interface UseCacheEntry {
  value: ReadableStream<Uint8Array>;
  tags: string[];
  stale: number;
  timestamp: number;
  expire: number;
  revalidate: number;
}

/** `cacheHandlers.default` and `.remote` as Next.js calls them. */
export interface UseCacheHandler {
  get(key: string, softTags: string[]): Promise<UseCacheEntry | undefined>;
  set(key: string, pendingEntry: Promise<UseCacheEntry>): Promise<void>;
  refreshTags(): Promise<void>;
  getExpiration(tags: string[]): Promise<number>;
  updateTags(tags: string[], durations?: { expire?: number }): Promise<void>;
}

const FILES = 'next/dist/server/lib/incremental-cache/file-system-cache.js';
const TAGS = 'next/dist/server/lib/incremental-cache/tags-manifest.external.js';
const USE_CACHE = 'next/dist/server/lib/cache-handlers/default.js';

const loaded = new Map<string, NextModules>();

/**
 * The modules of the Next.js that runs the app: not of one that happens to be beside next-puff, whose tags nobody looks at.
 *
 * @param dir any folder of the app
 */
export function nextModules(dir: string): NextModules {
  const present = loaded.get(dir);
  if (present) return present;
  const load = requireOfApp(dir) as (path: string) => unknown;
  const modules: NextModules = {
    FileSystemCache: (load(FILES) as { default: NextModules['FileSystemCache'] }).default,
    tagsManifest: (load(TAGS) as NextModules).tagsManifest,
    createDefaultCacheHandler: (load(USE_CACHE) as NextModules).createDefaultCacheHandler,
  };
  loaded.set(dir, modules);
  return modules;
}

/** Finds packages as the app does; its output may be outside of it. */
function requireOfApp(dir: string): NodeJS.Require {
  for (const folder of [dir, process.cwd()]) {
    const require = createRequire(join(folder, 'package.json'));
    try {
      require.resolve(FILES);
      return require;
    } catch {
      // Not in a folder of the app.
    }
  }
  return createRequire(import.meta.url);
}
