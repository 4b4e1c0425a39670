import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * What of Next.js' inside is used to call route handlers directly: not documented, so that it is used
 * only with versions that were tested, and only as far as it is found to be there.
 */

/** Versions with which calling route handlers directly was tested. */
export const TESTED_VERSIONS: ReadonlySet<string> = new Set(['16.4.6']);

/** `AppRouteRouteModule` */
export interface RouteModule {
  readonly definition: { readonly page: string; readonly pathname: string };
  readonly userland: Readonly<Record<string, unknown>>;
  /** Runs the author's module, once. */
  ensureUserland(): Promise<void>;
  handle(request: Request, context: HandleContext): Promise<Response>;
  loadManifests(page: string, directory: string): RouteManifests;
  onRequestError(
    request: object,
    error: unknown,
    context: object,
    isSilent: boolean,
    server: unknown,
  ): Promise<void>;
}

/** What `handle` is told beside the request. */
export interface HandleContext {
  params: Record<string, string | string[]> | undefined;
  renderOpts: RenderOptions;
  [other: string]: unknown;
}

/** A part of {@link HandleContext}; `handle` leaves its results here. */
export interface RenderOptions {
  isDraftMode: boolean;
  incrementalCache: IncrementalCache;
  waitUntil: ((promise: Promise<unknown>) => void) | undefined;
  onClose: (listener: () => void) => void;
  pendingWaitUntil?: Promise<unknown> | undefined;
  [other: string]: unknown;
}

/** Next.js makes one for every request. */
export interface IncrementalCache {
  hasCustomCacheHandler?: boolean;
  locks: Map<string, unknown>;
  requestHeaders: object;
  resetRequestCache(): void;
}

export interface RouteManifests {
  routesManifest: { rsc: { varyHeader: string } };
  prerenderManifest: {
    routes: Record<string, { srcRoute: string | null }>;
    dynamicRoutes: Record<string, unknown>;
  };
  interceptionRoutePatterns: RegExp[];
}

/** Modules of Next.js that the direct calls need. */
export interface NextInternals {
  sendResponse(
    request: object,
    response: object,
    answer: Response,
    waitUntil?: Promise<unknown>,
  ): Promise<void>;
  NodeNextRequest: new (request: IncomingMessage) => object;
  NodeNextResponse: new (response: ServerResponse) => object;
  splitCookiesString(cookies: string): string[];
  normalizeCdnUrl(request: { url: string }, params: string[]): void;
  /** What Next.js aborts signals with when the client went away. */
  ResponseAborted: new () => Error;
}

/** @returns nothing if something is not where it was in the versions that were tested */
export function loadInternals(requireNext: (name: string) => unknown): NextInternals | undefined {
  try {
    const internals = {
      ...(requireNext('dist/server/send-response') as object),
      ...(requireNext('dist/server/base-http/node') as object),
      ...(requireNext('dist/server/web/utils') as object),
      ...(requireNext('dist/server/server-utils') as object),
      ...(requireNext('dist/server/web/spec-extension/adapters/next-request') as object),
    } as NextInternals;
    const { sendResponse, NodeNextRequest, NodeNextResponse } = internals;
    const { splitCookiesString, normalizeCdnUrl, ResponseAborted } = internals;
    const needed = [
      sendResponse,
      NodeNextRequest,
      NodeNextResponse,
      splitCookiesString,
      normalizeCdnUrl,
      ResponseAborted,
    ];
    return needed.every((one) => typeof one === 'function') ? internals : undefined;
  } catch {
    return undefined;
  }
}
