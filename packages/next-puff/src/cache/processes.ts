import { settings } from '../config/settings.js';
import { loadNative } from '../native.js';
import { connectProcesses } from '../pubsub/processes.js';

const DEFAULT_PREFIX = 'app';

let isJoined = false;

/**
 * Exchanges revalidations with the other processes of the app, from the first use of the cache on. A build keeps to itself:
 * it must not need a database.
 */
export function joinProcesses(): void {
  if (isJoined) return;
  isJoined = true;
  if (process.env.NEXT_PHASE === 'phase-production-build') return;
  connectProcesses();
  loadNative().cacheJoin(settings().cache.prefix ?? DEFAULT_PREFIX);
}
