import { calls } from '../boundary/calls.js';
import { errorOfThrown } from '../boundary/failures.js';
import { settings } from '../config/settings.js';
import { loadNative } from '../native.js';
import { connectProcesses } from '../pubsub/processes.js';
import { configuredRedis } from '../redis/configuration.js';
import { nativeOptions } from '../redis/native-options.js';

const DEFAULT_PREFIX = 'app';
const DEFAULT_REDIS_TIMEOUT_MS = 250;
const DEFAULT_MAX_SHARED_ENTRY_BYTES = 4 * 1024 * 1024;

let isJoined = false;
let isSharing = false;
let recalling: Promise<void> | undefined;

/**
 * Exchanges revalidations with the other processes of the app, and entries where there is a Redis, from the first use of the
 * cache on. A build keeps to itself: it must not need a database.
 */
export function joinProcesses(): void {
  if (isJoined) return;
  isJoined = true;
  if (process.env.NEXT_PHASE === 'phase-production-build') return;
  const { prefix = DEFAULT_PREFIX, redis = true, ...options } = settings().cache;
  const native = loadNative();
  const server = redis ? configuredRedis() : undefined;
  if (server !== undefined) {
    try {
      native.cacheShare(
        nativeOptions(server),
        // In braces, so that all keys are on one node.
        `{next-puff:${prefix}:cache}:`,
        options.redisTimeoutMs ?? DEFAULT_REDIS_TIMEOUT_MS,
        options.maxSharedEntryBytes ?? DEFAULT_MAX_SHARED_ENTRY_BYTES,
      );
    } catch (error) {
      throw errorOfThrown(error);
    }
    isSharing = true;
  }
  connectProcesses();
  native.cacheJoin(prefix);
}

/** Whether entries of other processes can be had; see {@link joinProcesses}. */
export function sharesEntries(): boolean {
  return isSharing;
}

/**
 * Resolves when what was revalidated before this process started is known here, if there is a Redis that knows it; waits for that no
 * longer than `redisTimeoutMs` of the config, and once.
 */
export function recallRevalidations(): Promise<void> {
  joinProcesses();
  recalling ??= isSharing
    ? calls()
        .submit((boundary, call) => boundary.cacheRecalled(call))
        .then(() => undefined)
    : Promise.resolve();
  return recalling;
}
