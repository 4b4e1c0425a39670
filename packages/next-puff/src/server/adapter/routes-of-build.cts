import type {
  LoadNext,
  MiddlewareManifest,
  PrerenderManifest,
  RoutesManifest,
} from './next-build.js' with { 'resolution-mode': 'import' };
import type { DynamicRoute, RouteKind, SiteRoute } from './site-manifest.js' with {
  'resolution-mode': 'import',
};

/** The manifests that say which routes there are. */
export interface RouteManifests {
  routes: RoutesManifest;
  prerender: PrerenderManifest;
  middleware: MiddlewareManifest;
  /** `server/app-paths-manifest.json`: file by entry, as in `/blog/page`. */
  appPaths: Record<string, string>;
  /** `app-path-routes-manifest.json`: page by entry. */
  appRoutes: Record<string, string>;
  /** `server/pages-manifest.json`: file by page. */
  pages: Record<string, string>;
}

interface AppPaths {
  selectAppPageEntry(page: string, entries: string[]): string;
}

interface SortedRoutes {
  getSortedRoutes(pages: string[]): string[];
  isDynamicRoute(page: string): boolean;
}

interface RouteRegex {
  getRouteRegex(
    page: string,
    options: object,
  ): {
    re: RegExp;
    groups: Record<string, { pos: number }>;
  };
}

// What Next.js shows in place of something else, and what it never shows.
const RESERVED_PAGES = /^\/(_app|_document|_error|_not-found|_global-error|404|500)$/;

/** The routes of a build, numbered. */
export function routesOfBuild(manifests: RouteManifests, loadNext: LoadNext): SiteRoute[] {
  const { appPaths, appRoutes, pages, middleware, prerender } = manifests;
  const appPathsModule = loadNext('dist/shared/lib/router/utils/app-paths') as AppPaths;
  const routes: SiteRoute[] = [];
  const add = (page: string, kind: RouteKind, entry: string, file: string) => {
    const runsHere = middleware.functions?.[entry] === undefined && !file.endsWith('.html');
    const { fallback = false, renderingMode } = prerender.dynamicRoutes[page] ?? {};
    routes.push({
      number: routes.length + 1,
      page,
      kind,
      entry: `server/${file}`,
      isDirect: runsHere && !RESERVED_PAGES.test(page),
      isOnDemand: fallback !== false && renderingMode !== 'PARTIALLY_STATIC',
    });
  };
  const entriesByPage = new Map<string, string[]>();
  for (const entry of Object.keys(appPaths)) {
    const page = appRoutes[entry] ?? entry;
    entriesByPage.set(page, [...(entriesByPage.get(page) ?? []), entry]);
  }
  for (const [page, entries] of entriesByPage) {
    const entry =
      entries.length > 1
        ? appPathsModule.selectAppPageEntry(page, entries)
        : (entries[0] as string);
    add(page, entry.endsWith('/route') ? 'appRoute' : 'appPage', entry, appPaths[entry] as string);
  }
  for (const [page, file] of Object.entries(pages)) {
    add(page, /^\/api(\/|$)/.test(page) ? 'pageApi' : 'page', page, file);
  }
  return routes;
}

/** Those with parameters, in the order in which Next.js tries them. */
export function dynamicRoutes(
  routes: SiteRoute[],
  manifests: RouteManifests,
  loadNext: LoadNext,
): DynamicRoute[] {
  const { getSortedRoutes, isDynamicRoute } = loadNext(
    'dist/shared/lib/router/utils',
  ) as SortedRoutes;
  const { getRouteRegex } = loadNext('dist/shared/lib/router/utils/route-regex') as RouteRegex;
  const numbers = new Map(routes.map(({ page, number }) => [page, number]));
  const pages = new Set(routes.map(({ page }) => page).filter((page) => isDynamicRoute(page)));
  for (const { page, skipInternalRouting } of manifests.routes.dynamicRoutes) {
    if (!skipInternalRouting) pages.add(page);
  }
  return getSortedRoutes([...pages]).map((page) => {
    const { re, groups } = getRouteRegex(page, { includePrefix: true, includeSuffix: true });
    const params = Object.entries(groups).sort(([, one], [, other]) => one.pos - other.pos);
    return {
      number: numbers.get(page) ?? 0,
      regex: re.source,
      params: params.map(([name]) => name),
      isClosed: manifests.prerender.dynamicRoutes[page]?.fallback === false,
    };
  });
}
