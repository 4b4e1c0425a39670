import { loadNative } from '../../native.js';
import type { TagRecord } from './next-modules.js';

/** Tags that are remembered in an isolate; the native store knows more of them for a while. */
const MAX_TAGS = 50_000;

type Change = [tag: string, staleMs: number | null, expiredMs: number | null];

/** The versions of the store's tags that the manifests of this isolate have. */
const versions = new WeakMap<Map<string, TagRecord>, number>();

/**
 * Brings Next.js' own record of revalidated tags up to what any isolate of the process has revalidated. Next.js consults it
 * after each read of a cache handler.
 */
export function refreshTagRecords(manifest: Map<string, TagRecord>): void {
  const native = loadNative();
  const known = versions.get(manifest) ?? 0;
  if (native.cacheTagsVersion() === known) return;
  const [version, changes]: [number, Change[]] = JSON.parse(native.cacheTagChanges(known));
  for (const [tag, stale, expired] of changes) {
    const record: TagRecord = {};
    if (stale !== null) record.stale = stale;
    if (expired !== null) record.expired = expired;
    // The map's order is that of the changes.
    manifest.delete(tag);
    manifest.set(tag, record);
  }
  for (const tag of manifest.keys()) {
    if (manifest.size <= MAX_TAGS) break;
    manifest.delete(tag);
  }
  versions.set(manifest, version);
}
