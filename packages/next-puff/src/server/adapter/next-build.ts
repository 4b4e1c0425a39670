/**
 * What Next.js tells an adapter, and what the manifests of a build hold, as far as it is read here.
 * Declared anew because Next.js' own declarations bring global types along.
 */

/** What stands at a config's `adapterPath`. */
export interface BuildAdapter {
  name: string;
  modifyConfig?(config: AdaptedConfig, context: AdapterContext): unknown;
  onBuildComplete?(build: Build): unknown;
}

/** A complete config. */
export interface AdaptedConfig {
  adapterPath?: string | undefined;
}

export interface AdapterContext {
  phase: string;
  projectDir: string;
}

/** A build that is complete. */
export interface Build {
  buildId: string;
  nextVersion: string;
  projectDir: string;
  distDir: string;
  config: {
    output?: string;
    outputFileTracingRoot?: string;
    basePath: string;
    i18n?: object | null;
    generateEtags: boolean;
    compress: boolean;
    useFileSystemPublicRoutes: boolean;
    cacheComponents?: boolean;
    htmlLimitedBots: string;
    experimental: { validateRSCRequestHeaders?: boolean };
  };
  outputs: {
    prerenders: { pathname: string; groupId: number }[];
  };
}

/** A condition on a request beside its path. */
export interface RouteHas {
  type: 'header' | 'cookie' | 'query' | 'host';
  key?: string;
}

interface Conditional {
  has?: RouteHas[];
  missing?: RouteHas[];
}

/** A rule of `next.config`, compiled. */
export interface ManifestRule extends Conditional {
  source: string;
  regex: string;
}

export interface ManifestHeader extends ManifestRule {
  headers: { key: string; value: string }[];
}

export interface ManifestRedirect extends ManifestRule {
  destination: string;
  statusCode: number;
}

/** A matcher of `proxy.ts`. */
export interface ProxyMatcher extends Conditional {
  regexp: string;
}

/** `routes-manifest.json` */
export interface RoutesManifest {
  caseSensitive?: boolean;
  headers: ManifestHeader[];
  onMatchHeaders: ManifestHeader[];
  redirects: ManifestRedirect[];
  rewrites: { beforeFiles: ManifestRule[]; afterFiles: ManifestRule[]; fallback: ManifestRule[] };
  dynamicRoutes: { page: string; skipInternalRouting?: boolean }[];
}

/** `prerender-manifest.json` */
export interface PrerenderManifest {
  routes: Record<
    string,
    { srcRoute: string | null; renderingMode?: string; compute?: string; initialStatus?: number }
  >;
  dynamicRoutes: Record<string, { fallback: string | false | null; renderingMode?: string }>;
}

/** `server/middleware-manifest.json` */
export interface MiddlewareManifest {
  middleware?: Record<string, { matchers?: ProxyMatcher[] }>;
  functions?: Record<string, unknown>;
}

/** `server/functions-config-manifest.json` */
export interface FunctionsConfigManifest {
  functions: Record<string, { matchers?: ProxyMatcher[] }>;
}

/** A module of the app's own Next.js, by its path below the package. */
export type LoadNext = (path: string) => unknown;
