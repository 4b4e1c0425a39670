/**
 * What a build tells the server in front of it, as `<distDir>/next-puff/site.json`. The crate
 * puff-server reads the same (`site/manifest.rs`), with the same names.
 */
export interface SiteManifest {
  /** Of this format. */
  version: typeof SITE_MANIFEST_VERSION;
  /** That of `BUILD_ID`; a manifest of another build says nothing about this one. */
  buildId: string;
  nextVersion: string;
  /** Empty, or with a slash in front and none behind. */
  basePath: string;
  /** Whether there is an `i18n` config: pages are then Next.js' own affair. */
  hasLocales: boolean;
  /** Whether static files have an `ETag`. */
  generateEtags: boolean;
  /** Whether `next start` compresses answers. */
  compress: boolean;
  /** Whether pages may have parts that are made at request time (`cacheComponents`). */
  hasPartialPages: boolean;
  /** Whose `User-Agent` matches, in any case, gets partial pages as a whole; JavaScript's syntax. */
  htmlLimitedBots: string;
  /** Whether `_rsc` has to fit the headers of an RSC request. */
  validateRscHeaders: boolean;
  /** `Content-Type` by what stands behind the last dot of a file's name, for all that were found. */
  contentTypes: Record<string, string>;
  /** Everything with an entry point of its own. */
  routes: SiteRoute[];
  /** Routes with parameters, in the order in which Next.js tries them. */
  dynamicRoutes: DynamicRoute[];
  /** What was prerendered as a whole. */
  prerenders: Prerender[];
  headers: HeaderRule[];
  /** Added once the request has matched something. */
  onMatchHeaders: HeaderRule[];
  /** In order; the first that matches redirects. */
  redirects: RedirectRule[];
  /** What goes through `proxy.ts` (once `middleware.ts`). */
  proxy: Rule[];
  /** Before files are looked for. */
  beforeFiles: Rule[];
  /** Where no file was found, before routes with parameters. */
  afterFiles: Rule[];
}

export const SITE_MANIFEST_VERSION = 1;

/** Where it is, below `distDir`. */
export const SITE_MANIFEST_PATH = 'next-puff/site.json';

export type RouteKind = 'appRoute' | 'appPage' | 'page' | 'pageApi';

export interface SiteRoute {
  /** From 1 on: the server names the route by it. */
  number: number;
  /** As in `/blog/[slug]`, without the base path. */
  page: string;
  kind: RouteKind;
  /** Below `distDir`; where {@link isDirect}, the module with the documented `handler`. */
  entry: string;
  /** Whether a request for it may go straight to the entry, as far as routing is concerned. */
  isDirect: boolean;
  /** Whether answers that the build did not prerender are made at the first request, and kept. */
  isOnDemand: boolean;
}

export interface DynamicRoute {
  /** Its {@link SiteRoute}; 0 for none. */
  number: number;
  /** Of the path without the base path; JavaScript's syntax. */
  regex: string;
  /** The names of the regex's groups, in order. */
  params: string[];
  /** Whether it has only the paths that the build prerendered. */
  isClosed: boolean;
}

export interface Prerender {
  /** Without the base path, as the file system has it: not encoded. */
  path: string;
  /** The {@link SiteRoute} that it is an answer of. */
  number: number;
  /** The segments that may be asked for alone, as in `/_tree`. */
  segments: string[];
}

/** Something that a path may match. */
export interface Rule {
  /** Of the path, base path included; JavaScript's syntax. */
  regex: string;
  ignoreCase: boolean;
  /** All of them have to hold, too. */
  has: Condition[];
  /** None of them may. */
  missing: Condition[];
}

export interface Condition {
  type: 'header' | 'cookie' | 'query' | 'host';
  /** Of the header, cookie or parameter; not for a host. */
  key?: string;
}

export interface HeaderRule extends Rule {
  headers: { key: string; value: string }[];
  /** Whether names or values hold parts of the path, which only Next.js fills in. */
  hasParams: boolean;
}

export interface RedirectRule extends Rule {
  status: number;
  /** The target, where it is always the same. */
  location?: string;
}
