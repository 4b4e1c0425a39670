import { relative, resolve } from 'node:path';
import type { SiteManifest } from '../adapter/site-manifest.js';
import type { NativeRequest } from '../native-server.js';
import { DirectRoute, type DirectRouteHost } from './direct-route.js';
import { loadInternals, TESTED_VERSIONS } from './next-internals.js';
import type { NextHandlers, NextOptions, RequireNext } from './request-handlers.js';
import type { RouteEntry } from './route-entries.js';

// Where Next.js keeps what its servers in this process share, by their folders.
const SERVERS = Symbol.for('@next/router-server-methods');
// Where `@opentelemetry/api` keeps what an app has registered.
const OPENTELEMETRY = Symbol.for('opentelemetry.js.api.1');

/** What is asked for and is given to direct routes. */
export interface DirectRoutesOptions {
  readonly next: NextHandlers;
  readonly options: NextOptions;
  readonly requireNext: RequireNext;
  readonly site: SiteManifest;
  readonly entries: readonly RouteEntry[];
}

/** The route handlers that are called directly, by their number in the site's table. */
export class DirectRoutes {
  readonly #routes = new Map<number, DirectRoute>();

  /**
   * Finds the routes that may be called directly: none with a version of Next.js that was not tested,
   * and none where requests are traced, because the spans are made on the usual way.
   */
  static of({ next, options, requireNext, site, entries }: DirectRoutesOptions): DirectRoutes {
    const direct = new DirectRoutes();
    const internals = loadInternals(requireNext);
    if (!TESTED_VERSIONS.has(site.nextVersion) || internals === undefined || isTraced()) {
      return direct;
    }
    const { directory, hostname = 'localhost', port } = options;
    const relativeDirectory = relative(process.cwd(), directory);
    const host = `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`;
    const routeHost: DirectRouteHost = {
      internals,
      directory: resolve(directory),
      site,
      origin: { hostname, port, host },
      reporter: () => ({ server: routerServer(relativeDirectory), relativeDirectory }),
      makeIncrementalCache: (headers) =>
        next.inner.getIncrementalCache({ requestHeaders: headers }),
    };
    for (const entry of entries) {
      const route = DirectRoute.of(routeHost, entry);
      if (route) direct.#routes.set(entry.route.number, route);
    }
    return direct;
  }

  /** The route that answers a request, if one can. */
  find(request: NativeRequest): DirectRoute | undefined {
    const route = request.route === 0 ? undefined : this.#routes.get(request.route);
    return route?.accepts(request) ? route : undefined;
  }
}

function routerServer(relativeDirectory: string): unknown {
  return (globalThis as { [SERVERS]?: Record<string, unknown> })[SERVERS]?.[relativeDirectory];
}

function isTraced(): boolean {
  const api = (globalThis as { [OPENTELEMETRY]?: { trace?: unknown } })[OPENTELEMETRY];
  return api?.trace !== undefined;
}
