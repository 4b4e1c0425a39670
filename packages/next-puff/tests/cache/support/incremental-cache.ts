/** Next.js' `IncrementalCache`, which calls the handler; not documented, so named here as far as it is used. */
export interface IncrementalCache {
  get(key: string, context: object): Promise<CachedEntry | null>;
  set(key: string, value: unknown, context: object): Promise<void>;
  revalidateTag(tags: string | string[], durations?: { expire?: number }): Promise<void>;
}

export interface CachedEntry {
  isStale?: boolean | -1;
  cacheControl?: { revalidate?: number | false; expire?: number };
  value: { kind: string; [member: string]: unknown } | null;
}

export interface CacheOptions {
  /** `.next` of an app. */
  distDir: string;
  flushToDisk?: boolean;
  /** Bytes that are kept in memory. */
  memory?: number;
}

/** Whose response it is: an app page. */
export const PAGE = { kind: 'APP_PAGE', sourceRoute: '/page' };

/** How an app page is read. */
export const READ_PAGE = { kind: 'APP_PAGE', isFallback: false, route: PAGE };

/** An app page with these tags, in every part of it what is given. */
export function page(text: string, tags: string[] = []): NonNullable<CachedEntry['value']> {
  return {
    kind: 'APP_PAGE',
    html: `<p>${text} – ünï</p>`,
    rscData: Buffer.from(`rsc ${text}`),
    postponed: undefined,
    headers: { 'x-next-cache-tags': tags.join(','), 'x-nextjs-stale-time': '300' },
    status: 200,
    segmentData: new Map([
      ['/_tree', Buffer.from(`tree ${text}`)],
      ['/_full', Buffer.from([0, 255, 128])],
    ]),
  };
}

/** How an app page without a time of revalidation is written. */
export const FOREVER = { cacheControl: { revalidate: false } };
