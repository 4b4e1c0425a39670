import type { PuffSchema } from '../puff-schema.js';
import { markHandler } from './native-route.js';
import { RouteEndpoint } from './route-endpoint.js';
import type { GraphQLRouteOptions } from './route-options.js';

/** Handlers for a route file of the App Router, or for any server that speaks `Request` and `Response`. */
export interface GraphQLRoute {
  /** Answers GET, and HEAD: queries, and the page for browsers. */
  readonly GET: (request: Request) => Promise<Response>;
  /** Answers POST: queries and mutations. */
  readonly POST: (request: Request) => Promise<Response>;
  /** Answers PUT: reserves a stream of events that a client shares among its subscriptions. */
  readonly PUT: (request: Request) => Promise<Response>;
  /** Answers DELETE: stops an operation of such a stream. */
  readonly DELETE: (request: Request) => Promise<Response>;
}

/**
 * Serves a schema over HTTP, as the working draft of GraphQL over HTTP says.
 *
 * The request goes to the native core in one call, and its answer comes back as bytes that JavaScript
 * does not read. When the client goes away or the deadline of the route passes, the statements of the
 * operation are cancelled. It works with and without `withPuff`; nothing is loaded or connected before
 * the first request.
 *
 * Subscriptions are answered with streams of events (GraphQL over SSE) everywhere, and under
 * `next-puff start` over WebSockets as well, at the same URL.
 *
 * @example
 * // app/api/graphql/route.ts
 * export const { GET, POST } = graphqlRoute(schema);
 * // With one stream of events for all subscriptions of a client: { GET, POST, PUT, DELETE }
 * @throws {PuffError} `PUFF_GRAPHQL_ROUTE` for options that cannot be
 */
export function graphqlRoute<Context>(
  schema: PuffSchema<Context>,
  options: GraphQLRouteOptions = {},
): GraphQLRoute {
  const endpoint = new RouteEndpoint(schema, options);
  const handler = () => markHandler((request: Request) => endpoint.answer(request), endpoint);
  return { GET: handler(), POST: handler(), PUT: handler(), DELETE: handler() };
}
