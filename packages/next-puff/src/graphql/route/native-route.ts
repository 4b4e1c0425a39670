import { calls } from '../../boundary/calls.js';
import { settings } from '../../config/settings.js';
import { wrappedRoute } from '../../next/route.js';
import type { RouteEndpoint } from './route-endpoint.js';

/** The key of a handler's endpoint. */
const ENDPOINT = Symbol.for('next-puff.graphql.route-endpoint');

/** The methods that a route file can answer in a way of its own. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

type Endpoint = RouteEndpoint<unknown>;

/** Marks a handler as one that `graphqlRoute()` has made. */
export function markHandler<Handler extends object>(handler: Handler, endpoint: object): Handler {
  return Object.assign(handler, { [ENDPOINT]: endpoint });
}

/**
 * The endpoint of a handler that `graphqlRoute()` has made, also one that `withPuff` or `route()` has
 * wrapped; nothing for any other handler.
 */
export function graphqlRouteOf(
  handler: unknown,
): { endpoint: Endpoint; deadlineMs: number } | undefined {
  if (typeof handler !== 'function') return undefined;
  const { handler: original, options } = wrappedRoute(handler) ?? { handler, options: undefined };
  const endpoint = (original as { [ENDPOINT]?: Endpoint })[ENDPOINT];
  if (endpoint === undefined) return undefined;
  // Without `withPuff` there is no deadline.
  const isWrapped = original !== handler;
  const deadlineMs = isWrapped ? (options?.deadlineMs ?? settings().requests.deadlineMs) : 0;
  return { endpoint, deadlineMs };
}

/** What a route file leaves to `graphqlRoute()`. */
interface GraphqlFile {
  readonly endpoint: Endpoint;
  /** The methods, with their deadlines. */
  readonly methods: [method: string, deadlineMs: number][];
  /** Whether nothing else answers there: no handler with something around it, and none of the app's own. */
  readonly isWhole: boolean;
}

function graphqlFileOf(handlers: Readonly<Record<string, unknown>>): GraphqlFile | undefined {
  const exported = METHODS.filter((method) => typeof handlers[method] === 'function');
  const routes = exported.map((method) => ({ method, route: graphqlRouteOf(handlers[method]) }));
  const endpoint = routes.find(({ route }) => route !== undefined)?.route?.endpoint;
  if (endpoint === undefined) return undefined;
  const methods: GraphqlFile['methods'] = [];
  for (const { method, route } of routes) {
    if (route?.endpoint === endpoint) methods.push([method, route.deadlineMs]);
  }
  return { endpoint, methods, isWhole: methods.length === exported.length };
}

/**
 * The endpoint that takes the WebSockets of a route file: that of all its handlers. A file with other
 * handlers takes none, because what they check would be passed by.
 */
export function socketEndpointOf(
  handlers: Readonly<Record<string, unknown>>,
): Endpoint | undefined {
  const file = graphqlFileOf(handlers);
  return file?.isWhole ? file.endpoint : undefined;
}

/**
 * Lets a native server answer the GraphQL requests for a path itself, as far as they need no JavaScript,
 * and take WebSockets to it. Does nothing for a route whose handlers `graphqlRoute()` has not made.
 *
 * @param path as clients send it, with the base path
 * @param handlers what the route file exports
 * @param headers what Next.js adds to the answers of route handlers
 * @returns whether it is a GraphQL route
 * @throws what the schema is refused for
 */
export async function serveGraphqlRoute(
  server: number,
  path: string,
  handlers: Readonly<Record<string, unknown>>,
  headers: readonly (readonly [name: string, value: string])[] = [],
): Promise<boolean> {
  const file = graphqlFileOf(handlers);
  if (file === undefined) return false;
  const { endpoint, methods, isWhole: takesSockets } = file;
  const { schema, listener } = await endpoint.native();
  const hasUpgrade = typeof handlers.UPGRADE === 'function';
  const options = JSON.stringify({ methods, takesSockets, hasUpgrade, headers });
  calls().boundary.serverGraphqlRoute(server, path, schema, listener, options);
  return true;
}
