import { runForClient } from '../../context/client-connection.cjs';
import type { SiteManifest } from '../adapter/site-manifest.js';
import type { Exchanges } from '../exchange/exchanges.js';
import type { NativeRequest } from '../native-server.js';
import { DirectCall } from './direct-call.js';
import { DirectExchange } from './direct-exchange.js';
import {
  type AppOrigin,
  areDecodable,
  isPlain,
  paramNames,
  traceparentOf,
} from './direct-request.js';
import type {
  HandleContext,
  IncrementalCache,
  NextInternals,
  RouteManifests,
  RouteModule,
} from './next-internals.js';
import type { RouteEntry } from './route-entries.js';

/** What the direct routes of an isolate share. */
export interface DirectRouteHost {
  readonly internals: NextInternals;
  readonly directory: string;
  readonly site: SiteManifest;
  /** Where the app is reached: the URLs that handlers see begin with it. */
  readonly origin: AppOrigin;
  /** What of Next.js' server the route's error reports need. */
  reporter(): { server: unknown; relativeDirectory: string };
  makeIncrementalCache(headers: object): Promise<IncrementalCache>;
}

/** How Next.js itself calls the handler. */
export interface ObservedCall {
  readonly NextRequest: new (url: URL, init: object) => Request;
  readonly context: HandleContext;
}

/** A route as the calls of its handler see it. */
export interface CalledRoute {
  readonly host: DirectRouteHost;
  readonly module: RouteModule;
  /** Names of the parameters, and whether they stand for several segments. */
  readonly params: ReadonlyMap<string, boolean>;
  /** What Next.js sets before the handler is called. */
  readonly vary: string;
  readonly observed: ObservedCall;
}

/**
 * A dynamic route handler that is called without Next.js' way there.
 *
 * The first request goes the usual way and shows how Next.js calls the handler; the following ones are
 * called the same.
 */
export class DirectRoute {
  readonly #host: DirectRouteHost;
  readonly #module: RouteModule;
  readonly #manifests: RouteManifests;
  readonly #params: ReadonlyMap<string, boolean>;
  /** From the first call on. */
  #called: CalledRoute | undefined;

  private constructor(host: DirectRouteHost, entry: RouteEntry, manifests: RouteManifests) {
    this.#host = host;
    this.#module = entry.routeModule;
    this.#manifests = manifests;
    this.#params = paramNames(entry.route.page);
    this.#observe();
  }

  /** @returns nothing for a route that Next.js may answer from a cache */
  static of(host: DirectRouteHost, entry: RouteEntry): DirectRoute | undefined {
    const { route, routeModule } = entry;
    const manifests = routeModule.loadManifests(routeModule.definition.page, host.directory);
    const { routes, dynamicRoutes } = manifests.prerenderManifest;
    const isCached =
      route.isOnDemand ||
      route.page in routes ||
      route.page in dynamicRoutes ||
      Object.values(routes).some(({ srcRoute }) => srcRoute === route.page);
    return isCached ? undefined : new DirectRoute(host, entry, manifests);
  }

  /** Whether a request can be answered here. */
  accepts(request: NativeRequest): boolean {
    if (this.#called === undefined || !isPlain(request)) return false;
    const { interceptionRoutePatterns } = this.#manifests;
    return (
      !interceptionRoutePatterns.some((pattern) => pattern.test(request.url)) &&
      areDecodable(request.params)
    );
  }

  /** Answers a request that {@link DirectRoute.accepts}. */
  answer(exchanges: Exchanges, request: NativeRequest): void {
    const { ResponseAborted } = this.#host.internals;
    const exchange = new DirectExchange((controller) => {
      exchanges.forget(request.id);
      controller.abort(new ResponseAborted());
    });
    exchanges.keep(request.id, exchange);
    const call = new DirectCall(this.#called as CalledRoute, exchanges, exchange, request);
    const { method, url } = request;
    const headers = { traceparent: traceparentOf(request) };
    const started = {
      server: exchanges.server,
      request: { method, url, headers },
      response: exchange,
    };
    runForClient(started, () => call.run()).catch((error) => {
      console.error(error);
      exchanges.boundary.serverAbort(request.id);
      exchange.closed();
    });
  }

  /** Looks at the first call. */
  #observe(): void {
    const module = this.#module;
    const { handle } = module;
    module.handle = (request, context) => {
      // What is called from now on is the method of its class again.
      Reflect.deleteProperty(module, 'handle');
      this.#called = {
        host: this.#host,
        module,
        params: this.#params,
        vary: this.#manifests.routesManifest.rsc.varyHeader,
        observed: {
          NextRequest: request.constructor as ObservedCall['NextRequest'],
          context: { ...context, renderOpts: { ...context.renderOpts } },
        },
      };
      return handle.call(module, request, context);
    };
  }
}
