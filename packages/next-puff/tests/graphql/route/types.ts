// Compiles only if what graphqlRoute makes fits the exports of a route file.
import type { NextRequest } from 'next/server.js';
import { route } from 'next-puff';
import { defineSchema, graphqlRoute } from 'next-puff/graphql';

/** As Next.js checks a route file. */
type RouteHandler = (
  request: NextRequest,
  context: { params: Promise<Record<string, never>> },
) => Response | Promise<Response>;

const schema = defineSchema({ typeDefs: 'type Query { hello: String }' });

export const { GET, POST } = graphqlRoute(schema) satisfies {
  GET: RouteHandler;
  POST: RouteHandler;
};
export const PUT: RouteHandler = route({ deadlineMs: 0 }, POST);

graphqlRoute(schema, {
  maxBodyBytes: 1,
  methods: ['GET'],
  persistedQueries: { maxEntries: 1 },
  trustedDocuments: new Map([['id', '{ hello }']]),
  playground: 'sandbox',
});
graphqlRoute(schema, { playground: false, persistedQueries: false, trustedDocuments: { a: '' } });
// @ts-expect-error a page that there is not
graphqlRoute(schema, { playground: true });
// @ts-expect-error a method that executes nothing
graphqlRoute(schema, { methods: ['PUT'] });
// @ts-expect-error an option that there is not
graphqlRoute(schema, { batching: true });
// @ts-expect-error no schema
graphqlRoute({});
