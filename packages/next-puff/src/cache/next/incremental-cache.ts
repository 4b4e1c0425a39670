import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadNative } from '../../native.js';
import {
  deleteEntry,
  findEntry,
  readEntry,
  revalidateTags,
  tagsVersion,
  writeEntry,
} from '../store.js';
import {
  type CacheHandlerContext,
  type CacheHandlerValue,
  type IncrementalCacheHandler,
  type NextModules,
  nextModules,
  type ReadContext,
  type WriteContext,
} from './next-modules.js';
import { decodeValue, encodeValue, isDue, type StoredValue, tagsOfValue } from './stored-value.js';
import { refreshTagRecords } from './tag-records.js';

/** The keys that Next.js gives responses; what follows the `$` is their path. */
const RESPONSE_KEY = /^\/route-cache\/[A-Z_]+\/[0-9a-f]+\/\$(\/.*)$/s;

/**
 * Next.js' incremental cache (ISR pages, route handlers, fetch, optimized images) in the store of the process.
 *
 * Behind it are the files of Next.js' own handler: what the build prerendered is read from them, and what is written goes
 * to them too, unless `experimental.isrFlushToDisk` is off, so that a restart finds it. That handler's own memory is off.
 */
export class SharedIncrementalCache implements IncrementalCacheHandler {
  readonly #files: IncrementalCacheHandler;
  readonly #modules: NextModules;
  readonly #namespace: string;
  readonly #revalidatedTags: readonly string[];
  readonly #isInMemory: boolean;
  /**
   * The version of the tags when a response was looked for. It is rendered after that: what is revalidated meanwhile may be
   * in it as it was before. Next.js makes a handler per request, so there are few.
   */
  readonly #tagsSeen = new Map<string, number>();

  constructor(context: CacheHandlerContext) {
    const serverDistDir = context.serverDistDir ?? join(process.cwd(), '.next', 'server');
    this.#modules = nextModules(serverDistDir);
    this.#files = new this.#modules.FileSystemCache({ ...context, maxMemoryCacheSize: 0 });
    this.#namespace = namespaceOf(serverDistDir);
    this.#revalidatedTags = context.revalidatedTags ?? [];
    this.#isInMemory = context.maxMemoryCacheSize !== 0;
    if (context.maxMemoryCacheSize) boundStore(context.maxMemoryCacheSize);
  }

  async get(key: string, context: ReadContext): Promise<CacheHandlerValue | null> {
    const storeKey = this.#namespace + key;
    let tags: string[] | undefined;
    if (context.kind === 'FETCH') {
      tags = [...(context.tags ?? []), ...(context.softTags ?? [])];
      if (tags.some((tag) => this.#revalidatedTags.includes(tag))) return null;
    }
    const { state, parts } = await findEntry(storeKey, tags, (found) =>
      isDue(found, context.revalidate),
    );
    refreshTagRecords(this.#modules.tagsManifest);
    if (context.kind !== 'FETCH') this.#tagsSeen.set(key, tagsVersion());
    if (parts !== undefined) {
      try {
        return decodeValue(parts);
      } catch {
        deleteEntry(storeKey);
      }
    }
    // A file would be the same entry, or an older one.
    if (state === 'expired' || context.kind === 'IMAGE') return null;
    const found = await this.#files.get(key, context);
    if (found === null) return null;
    const { lastModified, value, cacheControl } = found;
    const put = this.#write(key, value, { created: lastModified, cacheControl, isSeed: true });
    // Another isolate has written meanwhile.
    const newer = put === 'present' ? readEntry(storeKey, tags).parts : undefined;
    if (newer !== undefined) return decodeValue(newer);
    // Next.js does not know of revalidations that were missed.
    const tagsOfFile = tags ?? tagsOfValue(value);
    return loadNative().cacheHaveTagsExpired(tagsOfFile, lastModified) ? null : found;
  }

  async set(key: string, value: StoredValue | null, context: WriteContext): Promise<void> {
    const cacheControl = context.fetchCache ? undefined : context.cacheControl;
    const tagsSeen = this.#tagsSeen.get(key);
    this.#write(key, value, { created: Date.now(), cacheControl, tagsSeen });
    if (context.kind !== 'IMAGE') await this.#files.set(key, value, context);
  }

  async revalidateTag(
    tags: string | readonly string[],
    durations?: { expire?: number | undefined },
  ): Promise<void> {
    const names = typeof tags === 'string' ? [tags] : tags;
    if (names.length === 0) return;
    revalidateTags(names, durations);
    refreshTagRecords(this.#modules.tagsManifest);
  }

  resetRequestCache(): void {}

  #write(
    key: string,
    value: StoredValue | null,
    { created, cacheControl, tagsSeen, isSeed }: Origin,
  ): ReturnType<typeof writeEntry> | undefined {
    if (!this.#isInMemory) return undefined;
    return writeEntry({
      key: this.#namespace + key,
      path: pathOf(key),
      parts: encodeValue(value, created, cacheControl),
      tags: tagsOfValue(value),
      created,
      tagsSeen,
      isSeed,
    });
  }
}

/** Where an entry comes from; see `NewEntry`. */
interface Origin {
  created: number;
  cacheControl: CacheHandlerValue['cacheControl'];
  tagsSeen?: number | undefined;
  isSeed?: boolean;
}

/** The path whose response is under a key, as it is in URLs. */
function pathOf(key: string): string | undefined {
  const path = RESPONSE_KEY.exec(key)?.[1];
  if (path === undefined) return undefined;
  // Next.js calls `/` `/index`, and `/index/a` `/index/index/a`.
  return /^\/index(\/|$)/.test(path) ? path.slice('/index'.length) || '/' : path;
}

const namespaces = new Map<string, string>();

/** Keeps builds and apps apart. */
function namespaceOf(serverDistDir: string): string {
  const present = namespaces.get(serverDistDir);
  if (present !== undefined) return present;
  let buildId = '';
  try {
    buildId = readFileSync(join(dirname(serverDistDir), 'BUILD_ID'), 'utf8').trim();
  } catch {
    // Not built, as in tests of the handler alone.
  }
  // Processes of one build share entries, wherever they have it.
  const namespace = `next ${buildId === '' ? serverDistDir : buildId} `;
  namespaces.set(serverDistDir, namespace);
  return namespace;
}

let bound: number | undefined;

/** The store's bound is Next.js' option `cacheMaxMemorySize`. */
function boundStore(bytes: number): void {
  if (bytes === bound) return;
  loadNative().cacheSetCapacity(bytes);
  bound = bytes;
}
