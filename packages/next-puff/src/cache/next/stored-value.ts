import type { Buffer } from 'node:buffer';
import type { CacheControl, CacheHandlerValue } from './next-modules.js';

type Headers = Record<string, number | string | string[] | undefined>;

/** What Next.js keeps in its incremental cache. */
export type StoredValue =
  | {
      kind: 'APP_PAGE';
      html: string;
      rscData: Buffer | undefined;
      postponed: string | undefined;
      headers: Headers | undefined;
      status: number | undefined;
      segmentData: Map<string, Buffer> | undefined;
    }
  | {
      kind: 'PAGES';
      html: string;
      pageData: object;
      headers: Headers | undefined;
      status: number | undefined;
    }
  | { kind: 'APP_ROUTE'; body: Buffer; headers: Headers; status: number }
  | {
      kind: 'FETCH';
      data: { headers: Record<string, string>; body: string; url: string; status?: number };
      tags?: string[];
      revalidate: number;
    }
  | { kind: 'REDIRECT'; props: object }
  | {
      kind: 'IMAGE';
      etag: string;
      upstreamEtag: string;
      buffer: Buffer;
      extension: string;
      revalidate?: number;
    };

/** The first part of an entry: everything that is not large. The rest is listed with it. */
interface Head {
  lastModified: number;
  cacheControl?: CacheControl | undefined;
  /** The value without its large members; null where Next.js keeps that there is nothing. */
  value: Record<string, unknown> | null;
  /** The large members, in the order of the parts that follow. */
  members: string[];
  /** The segments of a page, whose parts are the last. */
  segments?: string[];
}

const TAGS_HEADER = 'x-next-cache-tags';

/** The members of values that become parts of their own, so that bodies are there byte for byte. */
const LARGE_MEMBERS: Record<StoredValue['kind'], readonly string[]> = {
  APP_PAGE: ['html', 'rscData', 'postponed'],
  PAGES: ['html', 'pageData'],
  APP_ROUTE: ['body'],
  FETCH: ['data'],
  REDIRECT: [],
  IMAGE: ['buffer'],
};
const JSON_MEMBERS = new Set(['pageData', 'data']);
const TEXT_MEMBERS = new Set(['html', 'postponed']);

/** Divides what Next.js keeps into the parts of an entry. */
export function encodeValue(
  value: StoredValue | null,
  lastModified: number,
  cacheControl: CacheControl | undefined,
): (string | Uint8Array)[] {
  const head: Head = { lastModified, cacheControl, value: null, members: [] };
  const parts: (string | Uint8Array)[] = [];
  if (value !== null) {
    const { segmentData, ...small } = value as Record<string, unknown> & {
      segmentData?: Map<string, Buffer>;
    };
    for (const member of LARGE_MEMBERS[value.kind]) {
      const large = small[member];
      delete small[member];
      if (large === undefined || large === null) continue;
      head.members.push(member);
      parts.push(JSON_MEMBERS.has(member) ? JSON.stringify(large) : (large as string | Uint8Array));
    }
    head.value = small;
    if (segmentData) {
      head.segments = [...segmentData.keys()];
      parts.push(...segmentData.values());
    }
  }
  return [JSON.stringify(head), ...parts];
}

/**
 * Makes of an entry's parts what Next.js kept.
 *
 * @throws when the parts are not those of {@link encodeValue}
 */
export function decodeValue(parts: readonly Buffer[]): CacheHandlerValue {
  const { lastModified, cacheControl, value, members, segments }: Head = JSON.parse(
    String(parts[0]),
  );
  if (value === null) return { lastModified, cacheControl, value };
  for (const [index, member] of members.entries()) {
    const part = parts[1 + index] as Buffer;
    if (JSON_MEMBERS.has(member)) value[member] = JSON.parse(part.toString());
    else value[member] = TEXT_MEMBERS.has(member) ? part.toString() : part;
  }
  if (segments) {
    const first = 1 + members.length;
    const entries = segments.map((path, index) => [path, parts[first + index] as Buffer] as const);
    value.segmentData = new Map(entries);
  }
  return { lastModified, cacheControl, value: value as unknown as StoredValue };
}

/**
 * Whether an entry's time is over, so that Next.js will make it anew; also where the parts are not those of {@link encodeValue}.
 *
 * @param revalidate what the reader of a `fetch` wants, in seconds
 */
export function isDue(parts: readonly Buffer[], revalidate?: number | false): boolean {
  try {
    const { lastModified, cacheControl, value }: Head = JSON.parse(String(parts[0]));
    const seconds = revalidate || cacheControl?.revalidate || value?.revalidate;
    return typeof seconds === 'number' && lastModified + seconds * 1000 < Date.now();
  } catch {
    return true;
  }
}

/** The tags that Next.js gave a response; it keeps them in a header. */
export function tagsOfValue(value: StoredValue | null): string[] {
  if (value === null || !('headers' in value)) return [];
  const header = value.headers?.[TAGS_HEADER];
  return typeof header === 'string' && header !== '' ? header.split(',') : [];
}
