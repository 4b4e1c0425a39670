import type { Buffer } from 'node:buffer';
import { deserialize, serialize } from 'node:v8';
import { CacheValueError } from '../errors.js';
import {
  claimEntry,
  deleteEntry,
  findEntry,
  type Lookup,
  readEntry,
  releaseEntry,
  revalidateTags,
  tagsVersion,
  writeEntry,
} from './store.js';

const DEFAULT_WAIT_MS = 5000;

/** How an entry is kept. */
export interface CacheOptions {
  /** Milliseconds until it must not be used any more. Default: until it has to make room. */
  ttlMs?: number;
  /**
   * What it may be revalidated by, together with others: with {@link Cache.revalidateTag} or with Next.js' `revalidateTag`
   * and `updateTag`.
   */
  tags?: readonly string[];
}

/** How an entry is made, and kept. */
export interface WrapOptions extends CacheOptions {
  /**
   * Milliseconds for which other processes wait for the one that makes a value, where a Redis is configured; then they make it
   * themselves, so that one that crashed or hangs holds nobody up for longer. Default 5000.
   */
  waitMs?: number;
}

/**
 * A cache for the app's own data, in the memory of the process: all isolates see the same entries, and they are no burden on
 * the JavaScript heap. It shares its bound (`cacheMaxMemorySize` of the Next.js config, 50 MB by default) with Next.js' own
 * entries; what was not used goes first. Where a Redis is configured, other processes find the entries there; else a restart
 * empties it, and other processes have their own.
 *
 * Values are copied as `structuredClone` does: objects, arrays, dates, maps, sets, bytes, bigints, but no functions and no
 * classes.
 */
export interface Cache {
  /** The value under a key, a copy of its own; undefined when there is none. */
  get<Value>(key: string): Promise<Value | undefined>;
  /**
   * Puts a value; false when it is too large to be kept (a quarter of the bound), and then nothing is under its key.
   *
   * @throws {CacheValueError} when the value cannot be copied
   */
  set(key: string, value: unknown, options?: CacheOptions): Promise<boolean>;
  /** Takes a value away; whether there was one. */
  delete(key: string): Promise<boolean>;
  /**
   * The value under a key; where there is none, that of `make`, which is put. While `make` runs in this isolate, other calls
   * for the key wait for it. Its error rejects them all, and nothing is kept. Where a Redis is configured, calls in other
   * isolates and processes wait as well, for `waitMs`; an error is not theirs, the next of them calls its own `make`.
   *
   * What was revalidated or deleted while `make` ran is answered, but not kept.
   */
  wrap<Value>(
    key: string,
    make: () => Value | Promise<Value>,
    options?: WrapOptions,
  ): Promise<Value>;
  /** Takes away everything that has a tag, in all isolates at once, pages and results of Next.js among it. */
  revalidateTag(tags: string | readonly string[]): Promise<void>;
}

/** The calls of `make` that have not ended, by key. */
const making = new Map<string, Promise<Made>>();

/** A value, and where it comes from if it was not in the cache. */
interface Made {
  value: unknown;
  origin?: Origin;
}

/** The cache of the process. */
export const cache: Cache = {
  async get<Value>(key: string): Promise<Value | undefined> {
    return (await read(storeKey(key)))?.value as Value | undefined;
  },

  async set(key, value, options = {}) {
    const to = storeKey(key);
    checkOptions(options);
    making.delete(to);
    return write(to, value, { ...options, created: Date.now() });
  },

  async delete(key) {
    const to = storeKey(key);
    making.delete(to);
    return deleteEntry(to);
  },

  async wrap<Value>(
    key: string,
    make: () => Value | Promise<Value>,
    { waitMs = DEFAULT_WAIT_MS, ...options }: WrapOptions = {},
  ): Promise<Value> {
    const to = storeKey(key);
    checkOptions(options);
    checkDuration('waitMs', waitMs);
    const present = await read(to);
    if (present) return present.value as Value;
    const other = making.get(to);
    // Each caller gets a value of its own, as if it had come from the cache.
    if (other !== undefined) return copy((await other).value as Value);
    const made = makeAlone(to, make, waitMs);
    making.set(to, made);
    try {
      const { value, origin } = await made;
      // Else it was set or deleted meanwhile.
      if (origin && making.get(to) === made) write(to, value, { ...options, ...origin });
      return value as Value;
    } finally {
      if (making.get(to) === made) making.delete(to);
      releaseEntry(to);
    }
  },

  async revalidateTag(tags) {
    const names = typeof tags === 'string' ? [tags] : tags;
    checkTags(names);
    if (names.length > 0) revalidateTags(names);
  },
};

function storeKey(key: string): string {
  if (typeof key !== 'string' || key === '') {
    throw new TypeError('A key of the cache is a string that is not empty.');
  }
  return `user ${key}`;
}

/** Makes a value, unless another isolate or process is doing that: then it is theirs. */
async function makeAlone(to: string, make: () => unknown, waitMs: number): Promise<Made> {
  await claimEntry(to, waitMs);
  const present = await read(to, readEntry);
  if (present) return present;
  const origin = { created: Date.now(), tagsSeen: tagsVersion() };
  return { value: await make(), origin };
}

async function read(
  from: string,
  find: (key: string) => Lookup | Promise<Lookup> = findEntry,
): Promise<Made | undefined> {
  const { parts } = await find(from);
  if (parts === undefined) return undefined;
  try {
    return { value: deserialize(parts[0] as Buffer) };
  } catch {
    deleteEntry(from);
    return undefined;
  }
}

/** When what a value says was true, and which revalidations it knows of. */
interface Origin {
  created: number;
  tagsSeen?: number;
}

function write(
  to: string,
  value: unknown,
  { ttlMs, created, ...rest }: CacheOptions & Origin,
): boolean {
  const result = writeEntry({
    ...rest,
    key: to,
    parts: [encode(value)],
    created,
    ...(ttlMs === undefined ? {} : { expires: created + ttlMs }),
  });
  return result === 'stored';
}

function encode(value: unknown): Buffer {
  try {
    return serialize(value);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CacheValueError(`The value cannot be kept in the cache: ${reason}`, {
      cause,
      hint: 'Keep plain data: no functions, no symbols, no promises.',
    });
  }
}

function copy<Value>(value: Value): Value {
  return deserialize(encode(value)) as Value;
}

function checkOptions({ ttlMs, tags }: CacheOptions): void {
  if (ttlMs !== undefined) checkDuration('ttlMs', ttlMs);
  if (tags !== undefined) checkTags(tags);
}

function checkDuration(name: string, duration: number): void {
  if (!(typeof duration === 'number' && duration > 0)) {
    throw new RangeError(`${name} is a number of milliseconds above 0, not ${String(duration)}.`);
  }
}

function checkTags(tags: readonly string[]): void {
  if (!Array.isArray(tags) || tags.some((tag) => typeof tag !== 'string' || tag === '')) {
    throw new TypeError('A tag of the cache is a string that is not empty.');
  }
}
