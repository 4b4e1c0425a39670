import { defineSchema, type GraphQLRouteOptions, graphqlRoute } from 'next-puff/graphql';

const schema = defineSchema({ typeDefs: 'type Query { hello: String }' });

const wrong: [string, GraphQLRouteOptions, RegExp][] = [
  ['no limit', { maxBodyBytes: -1 }, /maxBodyBytes must be a whole number, got -1/],
  ['a fraction', { maxBodyBytes: 1.5 }, /maxBodyBytes/],
  ['no number', { maxBodyBytes: '1mb' as never }, /maxBodyBytes/],
  ['no count', { persistedQueries: { maxEntries: Number.NaN } }, /persistedQueries.maxEntries/],
  ['nothing to execute', { onlyTrusted: true }, /onlyTrusted without trustedDocuments/],
  ['no text', { trustedDocuments: { a: 1 as never } }, /document a is not a text/],
];

test.each(wrong)('%s', (_name, options, message) => {
  expect(() => graphqlRoute(schema, options)).toThrow(message);
  expect(() => graphqlRoute(schema, options)).toThrow(
    expect.objectContaining({ code: 'PUFF_GRAPHQL_ROUTE' }),
  );
});
