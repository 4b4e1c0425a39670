import { existsSync, readdirSync } from 'node:fs';
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
  const userland = (await routeModule?._getUserland?.()) ?? routeModule?.userland;
  return userland && handlerOf(userland);
}

/** The pages and route files of an app. */
function appPathsOf(directory: string, extensions: readonly string[]): AppPath[] {
  const app = [join(directory, 'app'), join(directory, 'src', 'app')].find((one) =>
    existsSync(one),
  );
  if (app === undefined) return [];
  const paths: AppPath[] = [];
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
      page: name === 'route' ? `/${[...segments, 'route'].join('/')}` : undefined,
    });
  }
  return paths;
}
