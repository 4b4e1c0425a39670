import { loadNative } from '../../native.js';
import { recallRevalidations } from '../processes.js';
import { findEntry, revalidateTags, tagsVersion, writeEntry } from '../store.js';
import { nextModules, type UseCacheEntry, type UseCacheHandler } from './next-modules.js';
import { refreshTagRecords } from './tag-records.js';

type Metadata = Omit<UseCacheEntry, 'value'>;

/**
 * Next.js' `use cache` in the store of the process. Like Next.js' own handler it serves no entry that is past its
 * `revalidate` time.
 */
export class SharedUseCache implements UseCacheHandler {
  /** The writes of this isolate that have not ended; reads of their keys wait for them. */
  readonly #pending = new Map<string, Promise<void>>();
  readonly #dir: string;

  /** @param dir any folder of the app */
  constructor(dir = process.cwd()) {
    this.#dir = dir;
  }

  async get(key: string, softTags: string[]): Promise<UseCacheEntry | undefined> {
    await this.#pending.get(key);
    const { state, parts } = await findEntry(storeKey(key), softTags, (found) =>
      isPast(metadataOf(found)),
    );
    if (parts === undefined) return undefined;
    const metadata = metadataOf(parts);
    if (isPast(metadata)) return undefined;
    // Next.js answers with an entry that has a negative time once more, and makes a new one meanwhile.
    if (state === 'stale') metadata.revalidate = -1;
    return { ...metadata, value: streamOf(parts[1] as Uint8Array) };
  }

  async set(key: string, pendingEntry: Promise<UseCacheEntry>): Promise<void> {
    const writing = write(key, pendingEntry);
    const ended = writing.then(
      () => undefined,
      () => undefined,
    );
    this.#pending.set(key, ended);
    try {
      await writing;
    } finally {
      if (this.#pending.get(key) === ended) this.#pending.delete(key);
    }
  }

  /** All isolates of the process look at the same tags, which other processes keep up to date. */
  refreshTags(): Promise<void> {
    return recallRevalidations();
  }

  async getExpiration(tags: string[]): Promise<number> {
    await recallRevalidations();
    return loadNative().cacheTagsExpiration(tags);
  }

  async updateTags(tags: string[], durations?: { expire?: number }): Promise<void> {
    if (tags.length === 0) return;
    revalidateTags(tags, durations);
    refreshTagRecords(nextModules(this.#dir).tagsManifest);
  }
}

function storeKey(key: string): string {
  return `use cache ${key}`;
}

function metadataOf(parts: readonly Buffer[]): Metadata {
  return JSON.parse(String(parts[0]));
}

function isPast({ timestamp, revalidate }: Metadata): boolean {
  return performance.timeOrigin + performance.now() > timestamp + revalidate * 1000;
}

async function write(key: string, pendingEntry: Promise<UseCacheEntry>): Promise<void> {
  const tagsSeen = tagsVersion();
  const { value, ...metadata } = await pendingEntry;
  // Next.js makes it anew at each read.
  if (metadata.expire === 0) {
    await value.cancel();
    return;
  }
  let chunks: Uint8Array[];
  try {
    chunks = await chunksOf(value);
  } catch {
    // What made it has failed and told its caller; half of it is worth nothing.
    return;
  }
  const { tags, timestamp, expire } = metadata;
  writeEntry({
    key: storeKey(key),
    parts: [JSON.stringify(metadata), Buffer.concat(chunks)],
    tags,
    created: timestamp,
    tagsSeen,
    // Beyond it Next.js would not use the entry; it may be infinite.
    ...(expire < Number.MAX_SAFE_INTEGER ? { expires: timestamp + expire * 1000 } : {}),
  });
}

async function chunksOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return chunks;
    chunks.push(value);
  }
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.byteLength > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}
