import type { PuffSchema } from '../puff-schema.js';
import { RouteEndpoint } from './route-endpoint.js';
import type { GraphQLRouteOptions } from './route-options.js';

/** Handlers for a route file of the App Router, or for any server that speaks `Request` and `Response`. */
export interface GraphQLRoute {
  /** Answers GET, and HEAD: queries, and the page for browsers. */
  readonly GET: (request: Request) => Promise<Response>;
  /** Answers POST: queries and mutations. */
  readonly POST: (request: Request) => Promise<Response>;
}

/**
 * Serves a schema over HTTP, as the working draft of GraphQL over HTTP says.
 *
 * The request goes to the native core in one call, and its answer comes back as bytes that JavaScript
 * does not read. When the client goes away or the deadline of the route passes, the statements of the
 * operation are cancelled. It works with and without `withPuff`; nothing is loaded or connected before
 * the first request.
 *
 * @example
 * // app/api/graphql/route.ts
 * export const { GET, POST } = graphqlRoute(schema);
 * @throws {PuffError} `PUFF_GRAPHQL_ROUTE` for options that cannot be
 */
export function graphqlRoute<Context>(
  schema: PuffSchema<Context>,
  options: GraphQLRouteOptions = {},
): GraphQLRoute {
  const endpoint = new RouteEndpoint(schema, options);
  const answer = (request: Request) => endpoint.answer(request);
  return { GET: answer, POST: answer };
}
