import type { NextRequest } from 'next/server.js';
import { responseForError } from './error-response.js';
import {
  type HandlerOptions,
  type NormalizedOptions,
  normalizeOptions,
} from './handler-options.js';
import { isPrerendering } from './next-signals.js';
import { runHandler } from './run-handler.js';

/** What Next.js hands to a route handler beside the request. */
export interface RouteHandlerContext {
  params: Promise<Record<string, string | string[] | undefined>>;
}

/**
 * Any route handler of Next.js, whatever its `params` are.
 *
 * The parameters are checked bivariantly (as those of methods are), because a handler names exactly
 * the params of its own path.
 */
export type RouteHandler = {
  handler(
    request: NextRequest,
    context: RouteHandlerContext,
    // biome-ignore lint/suspicious/noConfusingVoidType: Next.js types handlers so.
  ): Response | void | Promise<Response | void>;
}['handler'];

type AnyHandler = (...args: unknown[]) => unknown;

/** The key of what a wrapper runs; the same in another copy of this module. */
const WRAPPED = Symbol.for('next-puff.wrapped-route');

/** What a wrapper runs. */
export interface WrappedRoute {
  readonly handler: AnyHandler;
  readonly options: NormalizedOptions | undefined;
}

/** What a wrapper runs; nothing for a handler that is not wrapped. */
export function wrappedRoute(handler: object): WrappedRoute | undefined {
  return (handler as { [WRAPPED]?: WrappedRoute })[WRAPPED];
}

/**
 * Wraps a route handler, with options for it alone; its type stays exactly as it is.
 *
 * `withPuff` already wraps every exported handler, so this is needed only to say something different
 * for one: a longer deadline, a transaction. The handler runs in a request context:
 *
 * - at its deadline the client gets 504 at once and `currentContext().signal` aborts
 * - the signal aborts too when the client goes away
 * - a database that cannot be reached, or a pool without a free connection, is 503 with `Retry-After`
 * - all other errors go to Next.js untouched
 *
 * @example
 * export const POST = route({ transaction: true }, async (request) => { ... });
 */
export function route<Handler extends RouteHandler>(handler: Handler): Handler;
export function route<Handler extends RouteHandler>(
  options: HandlerOptions,
  handler: Handler,
): Handler;
export function route<Handler extends RouteHandler>(
  first: HandlerOptions | Handler,
  second?: Handler,
): Handler {
  const handler = (typeof first === 'function' ? first : second) as AnyHandler;
  const options = normalizeOptions(typeof first === 'function' ? {} : first, 'route()');
  return wrap(handler.name || 'a route handler', handler, options) as unknown as Handler;
}

/**
 * Wraps what a route file exports under a method's name; the build calls it.
 *
 * @param name names the route in messages, for example `GET /api/polls`
 */
export function puffRoute<Handler>(name: string, handler: Handler): Handler {
  if (typeof handler !== 'function') return handler;
  // So that the build's wrapper does not wrap it again.
  const explicit = wrappedRoute(handler);
  const { handler: original, options } = explicit ?? { handler: handler as unknown as AnyHandler };
  return wrap(name, original, options) as Handler;
}

function wrap(name: string, handler: AnyHandler, options?: NormalizedOptions): AnyHandler {
  async function puffRouteHandler(...args: unknown[]): Promise<unknown> {
    try {
      return await runHandler({
        kind: 'route',
        name,
        options,
        fallbackSignal: () => (args[0] as Request | undefined)?.signal,
        run: () => handler(...args),
      });
    } catch (error) {
      // A prerender keeps what it gets; an error makes Next.js keep the former answer instead.
      const response = isPrerendering() ? undefined : responseForError(error, name);
      if (response) return response;
      throw error;
    }
  }
  const wrapped: WrappedRoute = { handler, options };
  return Object.assign(puffRouteHandler, { [WRAPPED]: wrapped });
}
