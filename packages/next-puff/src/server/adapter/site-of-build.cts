import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireFrom } from './composition.cjs';
import { contentTypes } from './content-types.cjs';
import type {
  Build,
  FunctionsConfigManifest,
  LoadNext,
  MiddlewareManifest,
  PrerenderManifest,
  ProxyMatcher,
} from './next-build.js' with { 'resolution-mode': 'import' };
import { dynamicRoutes, type RouteManifests, routesOfBuild } from './routes-of-build.cjs';
import { RoutingRules } from './routing-rules.cjs';
import type { Prerender, SiteManifest, SiteRoute } from './site-manifest.js' with {
  'resolution-mode': 'import',
};

// As Next.js takes a proxy that names no paths.
const EVERYTHING: ProxyMatcher[] = [{ regexp: '.*' }];
const SEGMENT_FILE = /\.segments(\/.+)\.segment\.rsc$/;

/**
 * What the server in front of Next.js has to know of a build. It is read from the manifests that
 * `next start` reads itself, with the functions that it uses itself: what an adapter is told in
 * addition is written for other routers.
 */
export async function siteOfBuild(build: Build): Promise<SiteManifest> {
  const { SITE_MANIFEST_VERSION } = await import('./site-manifest.js');
  const { projectDir, distDir, config, buildId, nextVersion } = build;
  const projectRequire = requireFrom(projectDir);
  const loadNext: LoadNext = (path) => projectRequire(`next/${path}`);
  const manifests = await readManifests(distDir);
  const rules = new RoutingRules(loadNext, manifests.routes);
  const routes = config.useFileSystemPublicRoutes ? routesOfBuild(manifests, loadNext) : [];
  const { headers, onMatchHeaders, redirects, rewrites } = manifests.routes;
  return {
    version: SITE_MANIFEST_VERSION,
    buildId,
    nextVersion,
    basePath: config.basePath,
    hasLocales: Boolean(config.i18n),
    generateEtags: config.generateEtags,
    compress: config.compress,
    hasPartialPages: Boolean(config.cacheComponents),
    htmlLimitedBots: config.htmlLimitedBots,
    validateRscHeaders: Boolean(config.experimental.validateRSCRequestHeaders),
    contentTypes: await contentTypes(loadNext, [
      join(projectDir, 'public'),
      join(distDir, 'static'),
    ]),
    routes,
    dynamicRoutes: routes.length > 0 ? dynamicRoutes(routes, manifests, loadNext) : [],
    prerenders: prerenders(build, routes, manifests.prerender),
    headers: headers.map((route) => rules.header(route)),
    onMatchHeaders: onMatchHeaders.map((route) => rules.header(route)),
    redirects: redirects.map((route) => rules.redirect(route)),
    proxy: (await proxyMatchers(distDir, manifests.middleware)).map((it) => rules.proxy(it)),
    beforeFiles: rewrites.beforeFiles.map((route) => rules.rule(route)),
    afterFiles: rewrites.afterFiles.map((route) => rules.rule(route)),
  };
}

async function readManifests(distDir: string): Promise<RouteManifests> {
  const [routes, prerender, middleware, appPaths, appRoutes, pages] = await Promise.all([
    readJson(join(distDir, 'routes-manifest.json')),
    readJson(join(distDir, 'prerender-manifest.json')),
    readJson(join(distDir, 'server/middleware-manifest.json'), {}),
    readJson(join(distDir, 'server/app-paths-manifest.json'), {}),
    readJson(join(distDir, 'app-path-routes-manifest.json'), {}),
    readJson(join(distDir, 'server/pages-manifest.json')),
  ]);
  return { routes, prerender, middleware, appPaths, appRoutes, pages } as RouteManifests;
}

async function proxyMatchers(
  distDir: string,
  middleware: MiddlewareManifest,
): Promise<ProxyMatcher[]> {
  const atEdge = middleware.middleware?.['/']?.matchers;
  if (atEdge) return atEdge;
  const path = join(distDir, 'server/functions-config-manifest.json');
  const { functions } = (await readJson(path, { functions: {} })) as FunctionsConfigManifest;
  const proxy = functions['/_middleware'];
  return proxy ? (proxy.matchers ?? EVERYTHING) : [];
}

/** What needs nobody once it was made. Pages with parts that do are left to Next.js. */
function prerenders(build: Build, routes: SiteRoute[], manifest: PrerenderManifest): Prerender[] {
  const numbers = new Map(routes.map(({ page, number }) => [page, number]));
  const segments = segmentsByPath(build);
  return Object.entries(manifest.routes).flatMap(([path, { srcRoute, compute, initialStatus }]) => {
    const number = numbers.get(srcRoute ?? path);
    if (number === undefined || compute !== 'static' || (initialStatus ?? 200) !== 200) return [];
    const pathname = (build.config.basePath + path).replace(/(.)\/$/, '$1');
    return [{ path, number, segments: segments.get(pathname) ?? [] }];
  });
}

/** The segments of each page. They are outputs of their own, in the group of the page's. */
function segmentsByPath({ outputs }: Build): Map<string, string[]> {
  const byGroup = new Map<number, string[]>();
  for (const { pathname, groupId } of outputs.prerenders) {
    const segments = byGroup.get(groupId) ?? [];
    byGroup.set(groupId, segments);
    const segment = SEGMENT_FILE.exec(pathname)?.[1];
    if (segment !== undefined) segments.push(segment);
  }
  return new Map(outputs.prerenders.map((it) => [it.pathname, byGroup.get(it.groupId) ?? []]));
}

async function readJson(path: string, otherwise?: object): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (isMissing && otherwise !== undefined) return otherwise;
    throw error;
  }
}
