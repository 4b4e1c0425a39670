import type { Exchanges } from '../exchange/exchanges.js';
import type { NativeRequest } from '../native-server.js';
import type { DirectExchange } from './direct-exchange.js';
import { bodyOf, headersOf, paramsOf } from './direct-request.js';
import { wholeResponse } from './direct-response.js';
import type { CalledRoute } from './direct-route.js';
import type { IncrementalCache } from './next-internals.js';

// Where Next.js keeps what it knows of a request.
const REQUEST_META = Symbol.for('NextInternalRequestMeta');

/**
 * One call of a route handler. What happens around it is what `build/templates/app-route.js` of Next.js
 * does for a route that is not cached, and before that its server.
 */
export class DirectCall {
  readonly #route: CalledRoute;
  readonly #exchanges: Exchanges;
  readonly #exchange: DirectExchange;
  readonly #request: NativeRequest;
  readonly #headers: Record<string, string>;
  /** The path and the query as they stand in the request that Next.js makes. */
  readonly #target: string;

  constructor(
    route: CalledRoute,
    exchanges: Exchanges,
    exchange: DirectExchange,
    request: NativeRequest,
  ) {
    this.#route = route;
    this.#exchanges = exchanges;
    this.#exchange = exchange;
    this.#request = request;
    this.#headers = headersOf(request, route.host.origin);
    this.#target = targetOf(request.url, route);
  }

  /** Has the handler answer. */
  async run(): Promise<void> {
    let response: Response;
    let waitUntil: Promise<unknown> | undefined;
    try {
      const { module, observed } = this.#route;
      const incrementalCache = await this.#incrementalCache();
      incrementalCache.resetRequestCache();
      (globalThis as { __incrementalCache?: unknown }).__incrementalCache = incrementalCache;
      const renderOpts = {
        ...observed.context.renderOpts,
        isDraftMode: false,
        incrementalCache,
        onClose: (listener: () => void) => this.#exchange.once('close', listener),
        pendingWaitUntil: undefined,
      };
      const params = paramsOf(this.#route.params, this.#request.params);
      response = await module.handle(this.#nextRequest(), {
        ...observed.context,
        params,
        renderOpts,
      });
      waitUntil = renderOpts.pendingWaitUntil;
      if (waitUntil && renderOpts.waitUntil) {
        renderOpts.waitUntil(waitUntil);
        waitUntil = undefined;
      }
    } catch (error) {
      await this.#report(error);
      response = new Response(null, { status: 500 });
    }
    if (!this.#exchange.isClosed) await this.#send(response, waitUntil);
  }

  #nextRequest(): Request {
    const { observed, host } = this.#route;
    const protocol = this.#headers['x-forwarded-proto']?.includes('https') ? 'https' : 'http';
    return new observed.NextRequest(new URL(this.#target, `${protocol}://${host.origin.host}`), {
      method: this.#request.method,
      headers: this.#headers,
      duplex: 'half',
      signal: this.#exchange.signal,
      body: bodyOf(this.#request),
    });
  }

  async #send(response: Response, waitUntil: Promise<unknown> | undefined): Promise<void> {
    const { vary, host } = this.#route;
    const isHead = this.#request.method === 'HEAD';
    const { splitCookiesString } = host.internals;
    const { addedHeaders } = this.#request;
    const whole = waitUntil
      ? undefined
      : wholeResponse(response, isHead, vary, addedHeaders, splitCookiesString);
    if (whole === undefined) {
      await this.#stream(response, waitUntil);
      return;
    }
    const { status, reason, fields, body } = whole;
    const { id } = this.#request;
    this.#exchanges.boundary.serverRespond(id, status, reason, fields, body, true);
    this.#exchanges.forget(id);
    process.nextTick(() => this.#exchange.answered());
  }

  /** Lets Next.js send what is to be read first. */
  async #stream(answer: Response, waitUntil: Promise<unknown> | undefined): Promise<void> {
    const { NodeNextRequest, NodeNextResponse, sendResponse } = this.#route.host.internals;
    const { request, response } = this.#exchanges.open(this.#request);
    response.once('close', () => {
      if (response.writableFinished) this.#exchange.answered();
      else this.#exchange.closed();
    });
    response.on('error', () => {});
    const { addedHeaders } = this.#request;
    for (let at = 0; at < addedHeaders.length; at += 2) {
      response.appendHeader(addedHeaders[at] as string, addedHeaders[at + 1] as string);
    }
    response.appendHeader('vary', this.#route.vary);
    const nextRequest = new NodeNextRequest(request);
    const nextResponse = new NodeNextResponse(response);
    try {
      await sendResponse(nextRequest, nextResponse, answer, waitUntil);
    } catch (error) {
      await this.#report(error);
      if (!response.headersSent) {
        await sendResponse(nextRequest, nextResponse, new Response(null, { status: 500 }));
      } else if (!response.writableEnded && !response.destroyed) {
        response.end();
      }
    }
  }

  /** Logs an error, and tells the app's `onRequestError`. */
  async #report(error: unknown): Promise<void> {
    const { module, host } = this.#route;
    const { server, relativeDirectory } = host.reporter();
    await module.onRequestError(
      {
        method: this.#request.method,
        url: this.#target,
        headers: this.#headers,
        [REQUEST_META]: { relativeProjectDir: relativeDirectory },
      },
      error,
      {
        routerKind: 'App Router',
        routePath: module.definition.pathname,
        routeType: 'route',
        revalidateReason: undefined,
      },
      false,
      server,
    );
  }

  /** Next.js makes a cache for every request; all but what belongs to the request is shared anyhow. */
  #incrementalCache(): IncrementalCache | Promise<IncrementalCache> {
    const { host, observed } = this.#route;
    const seen = observed.context.renderOpts.incrementalCache;
    if (seen.hasCustomCacheHandler !== false) return host.makeIncrementalCache(this.#headers);
    const cache: IncrementalCache = Object.assign(Object.create(Object.getPrototypeOf(seen)), seen);
    cache.locks = new Map();
    cache.requestHeaders = this.#headers;
    return cache;
  }
}

function targetOf(url: string, { host }: CalledRoute): string {
  const { basePath } = host.site;
  const below = basePath && url.startsWith(basePath) ? url.slice(basePath.length) : url;
  const target = below.startsWith('/') ? below : `/${below}`;
  if (!target.includes('?')) return target;
  const normalized = { url: target };
  host.internals.normalizeCdnUrl(normalized, []);
  return normalized.url;
}
