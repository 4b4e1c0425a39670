import type { Buffer } from 'node:buffer';
import { calls } from '../boundary/calls.js';
import { loadNative } from '../native.js';
import { pack, unpack } from './packing.js';
import { joinProcesses, recallRevalidations, sharesEntries } from './processes.js';

/**
 * The store of the process, which all isolates and the native server share.
 *
 * Everything here is answered at once, except for what is found in Redis, the level behind it.
 */

/** An entry that is to be put. */
export interface NewEntry {
  key: string;
  /** The path whose response it is, if it is one. */
  path?: string | undefined;
  parts: readonly (string | Uint8Array)[];
  tags?: readonly string[];
  /** When what it says was true, in milliseconds since 1970. */
  created: number;
  /** From when on it must not be used, in milliseconds since 1970. */
  expires?: number;
  /** {@link tagsVersion} when work on it began. Default: that of now. */
  tagsSeen?: number | undefined;
  /** It comes from a file of the build: an entry that is there is the newer one. */
  isSeed?: boolean | undefined;
}

/** What is under a key: `absent` and `expired` differ for who could find an older copy elsewhere. */
export type Lookup =
  | { state: 'fresh' | 'stale'; parts: Buffer[] }
  | { state: 'expired' | 'absent'; parts?: undefined };

const ABSENT: Lookup = { state: 'absent' };
const EXPIRED: Lookup = { state: 'expired' };

// Of `cache.rs`.
const STALE_BYTE = 1;
const EXPIRED_BYTE = 2;
const PUT_RESULTS = ['stored', 'present', 'too large'] as const;

/** Looks an entry up; `moreTags` may have expired it as well as its own. What cannot be read is taken away. */
export function readEntry(key: string, moreTags?: readonly string[]): Lookup {
  joinProcesses();
  const native = loadNative();
  const found = native.cacheGet(key, moreTags as string[] | undefined);
  if (found === null) return ABSENT;
  if (found[0] === EXPIRED_BYTE) return EXPIRED;
  try {
    return { state: found[0] === STALE_BYTE ? 'stale' : 'fresh', parts: unpack(found.subarray(1)) };
  } catch {
    native.cacheDelete(key);
    return ABSENT;
  }
}

/**
 * Looks an entry up in the store, and in Redis, if there is one, where the store has none that may be used, or where it is due to be
 * made anew and another process may have done that. Waits for that no longer than `redisTimeoutMs` of the config.
 */
export async function findEntry(
  key: string,
  moreTags: readonly string[] = [],
  isDue: (parts: readonly Buffer[]) => boolean = () => false,
): Promise<Lookup> {
  await recallRevalidations();
  const found = readEntry(key, moreTags);
  if (!sharesEntries() || (found.state === 'fresh' && !isDue(found.parts))) return found;
  await calls().submit((boundary, call) => boundary.cacheFetch(call, key, moreTags as string[]));
  const fetched = readEntry(key, moreTags);
  // What has expired here is still no file's business.
  return fetched.state === 'absent' ? found : fetched;
}

/**
 * Resolves when no other process makes the entry, for which it is waited so long at most, or when the entry is in the store. Who makes
 * it then ends that with {@link writeEntry} or {@link releaseEntry}.
 */
export async function claimEntry(key: string, waitMs: number): Promise<void> {
  if (!sharesEntries()) return;
  await calls().submit((boundary, call) => boundary.cacheClaim(call, key, waitMs));
}

/** Lets others make an entry that was claimed; nothing where it was written. */
export function releaseEntry(key: string): void {
  loadNative().cacheRelease(key);
}

/** Puts an entry in the place of what is under its key. */
export function writeEntry(entry: NewEntry): (typeof PUT_RESULTS)[number] {
  const { key, path, parts, tags = [], created, expires, tagsSeen, isSeed = false } = entry;
  joinProcesses();
  const value = pack(parts);
  const result = loadNative().cachePut(
    key,
    value,
    tags as string[],
    created,
    expires,
    path,
    tagsSeen,
    isSeed,
  );
  return PUT_RESULTS[result] as (typeof PUT_RESULTS)[number];
}

/** Takes an entry away; whether there was one. */
export function deleteEntry(key: string): boolean {
  return loadNative().cacheDelete(key);
}

/**
 * Revalidates tags, for all isolates at once and for other processes as soon as they hear of it: without durations everything that has them is expired, else it is stale, and
 * expired after `expire` seconds.
 */
export function revalidateTags(
  tags: readonly string[],
  durations?: { expire?: number | undefined },
): void {
  joinProcesses();
  const native = loadNative();
  if (!durations) native.cacheExpireTags(tags as string[]);
  else {
    const { expire } = durations;
    native.cacheMakeTagsStale(tags as string[], expire === undefined ? undefined : expire * 1000);
  }
}

/** The number of the last change of tags. */
export function tagsVersion(): number {
  return loadNative().cacheTagsVersion();
}
