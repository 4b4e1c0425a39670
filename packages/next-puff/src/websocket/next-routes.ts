import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { handlerOf, type UpgradeHandler } from './handler.js';
import {
  type AppPath,
  type FindSocketRoute,
  routeTable,
  type SocketRoutes,
} from './socket-routes.js';

/** Next.js' own server object, as far as it is used to find route modules. */
interface InnerServer {
  readonly nextConfig: { basePath: string; trailingSlash: boolean; pageExtensions: string[] };
  /** The pages that were built, by their paths. */
  readonly appPathRoutes?: Readonly<Record<string, string[]>>;
  findPageComponents(options: {
    page: string;
    query: object;
    params: object;
    isAppPath: true;
    sriEnabled: false;
    /** Compiles it first, in development. */
    shouldEnsure: boolean;
    url: string;
  }): Promise<{ components: { ComponentMod: RouteEntryModule } } | null>;
}

/** What Next.js makes of a route file. */
interface RouteEntryModule {
  patchFetch?: () => void;
  routeModule?: {
    ensureUserland(): Promise<void>;
    readonly userland: object;
    /** In development with Turbopack: the author's module as it is now. */
    _getUserland?: () => object | Promise<object>;
  };
}

/** @param server `NextNodeServer` of Next.js, started for the app in `directory` */
export function socketRoutesOf(
  server: object,
  { directory, isDev }: { directory: string; isDev: boolean },
): SocketRoutes {
  const inner = server as InnerServer;
  const { basePath, trailingSlash } = inner.nextConfig;
  const find = isDev ? developedRoutes(inner, directory) : builtRoutes(inner);
  return { find, urlConfig: { basePath, trailingSlash } };
}

/** The routes of a build. */
function builtRoutes(inner: InnerServer): FindSocketRoute {
  const paths: AppPath[] = Object.entries(inner.appPathRoutes ?? {}).map(([pathname, pages]) => ({
    pathname,
    page: pages.find((page) => page.endsWith('/route')),
  }));
  const match = routeTable(paths, inner.nextConfig.basePath);
  return async (url) => load(inner, match(url), url, false);
}

/** The routes of an app in development: its files as they are now, compiled when they are asked for. */
function developedRoutes(inner: InnerServer, directory: string): FindSocketRoute {
  return async (url) => {
    const { basePath, pageExtensions } = inner.nextConfig;
    const match = routeTable(appPathsOf(directory, pageExtensions), basePath);
    return load(inner, match(url), url, true);
  };
}

async function load(
  inner: InnerServer,
  matched: ReturnType<ReturnType<typeof routeTable>>,
  url: string,
  shouldEnsure: boolean,
): ReturnType<FindSocketRoute> {
  const { pathname, page } = matched?.path ?? {};
  if (matched === undefined || pathname === undefined || page === undefined) return undefined;
  const reload = () => loadHandler(inner, page, url, shouldEnsure);
  const handler = await reload();
  const route = handler && { pathname, handler, params: matched.params };
  return route && shouldEnsure ? { ...route, reload } : route;
}

async function loadHandler(
  inner: InnerServer,
  page: string,
  url: string,
  shouldEnsure: boolean,
): Promise<UpgradeHandler | undefined> {
  const userland = await loadUserland(inner, page, url, shouldEnsure);
  return userland && handlerOf(userland);
}

/** The author's module of a route, evaluated. */
async function loadUserland(
  inner: InnerServer,
  page: string,
  url: string,
  shouldEnsure: boolean,
): Promise<object | undefined> {
  const found = await inner.findPageComponents({
    page,
    query: {},
    params: {},
    isAppPath: true,
    sriEnabled: false,
    shouldEnsure,
    url,
  });
  const { patchFetch, routeModule } = found?.components.ComponentMod ?? {};
  // Before the author's code can take a hold of `fetch`.
  patchFetch?.();
  await routeModule?.ensureUserland();
  return (await routeModule?._getUserland?.()) ?? routeModule?.userland;
}

/**
 * Finds the route that mounts `taskRoutes()`, in development.
 *
 * @returns what compiles and evaluates it, and with it the tasks, as they are now; nothing if there is none
 */
export function taskRouteLoader(
  server: object,
  directory: string,
): (() => Promise<void>) | undefined {
  const inner = server as InnerServer;
  for (const { pathname, page, file } of appPathsOf(directory, inner.nextConfig.pageExtensions)) {
    if (page === undefined || !/\btaskRoutes\b/.test(readFileSync(file, 'utf8'))) continue;
    return async () => {
      await loadUserland(inner, page, pathname, true);
    };
  }
  return undefined;
}

/** A page or route file of an app. */
interface AppFile extends AppPath {
  file: string;
}

/** The pages and route files of an app. */
function appPathsOf(directory: string, extensions: readonly string[]): AppFile[] {
  const app = [join(directory, 'app'), join(directory, 'src', 'app')].find((one) =>
    existsSync(one),
  );
  if (app === undefined) return [];
  const paths: AppFile[] = [];
  for (const file of readdirSync(app, { recursive: true, encoding: 'utf8' })) {
    const [, folder = '', name, extension] =
      /^(.*\/)?(page|route)\.(.+)$/.exec(file.split(sep).join('/')) ?? [];
    if (name === undefined || !extensions.includes(extension as string)) continue;
    const segments = folder.split('/').filter((segment) => segment !== '');
    // A folder that begins with an underscore is private.
    if (segments.some((segment) => segment.startsWith('_'))) continue;
    const visible = segments.filter((one) => !/^(?:\(.*\)|@.*)$/.test(one));
    paths.push({
      pathname: `/${visible.join('/')}`,
      file: join(app, file),
      page: name === 'route' ? `/${[...segments, 'route'].join('/')}` : undefined,
    });
  }
  return paths;
}
