import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { startServerAndCreateNextHandler } from '@as-integrations/next';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { afterEach, expect, test } from '@jest/globals';
import { GraphQLError } from 'graphql';
import { fromGraphQLSchema, type SchemaOptions } from 'next-puff/graphql';
import { puffGateway } from 'next-puff/graphql/apollo';

interface Context {
  user?: string;
}

const typeDefs = /* GraphQL */ `
  type Item {
    n: Int!
    user: String
  }
  type Query {
    items(count: Int!): [Item!]!
    thrown: String
    forbidden: String
    required: Int!
  }
  type Mutation {
    set(n: Int!): Item
  }
`;

const graphqlSchema = makeExecutableSchema<Context>({
  typeDefs,
  resolvers: {
    Item: { user: async (_item, _args, { user }) => user },
    Query: {
      items: (_root, { count }) => Array.from({ length: count }, (_, n) => ({ n })),
      thrown: () => {
        throw new Error('thrown');
      },
      forbidden: () => {
        throw new GraphQLError('Not yours.', { extensions: { code: 'FORBIDDEN' } });
      },
      required: () => null,
    },
    Mutation: { set: (_root, { n }) => ({ n }) },
  },
});

const servers: ApolloServer<Context>[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));

function serverWith(
  plugins: ApolloServerPlugin<Context>[] = [],
  options: SchemaOptions<Context> = { maskErrors: false, onError: () => {} },
) {
  const schema = fromGraphQLSchema<Context>(graphqlSchema, options);
  const server = new ApolloServer<Context>({
    gateway: puffGateway(schema),
    plugins,
    includeStacktraceInErrorResponses: false,
  });
  servers.push(server);
  return server;
}

/** The same schema, executed by graphql-js. */
function reference() {
  const server = new ApolloServer<Context>({
    schema: graphqlSchema,
    includeStacktraceInErrorResponses: false,
  });
  servers.push(server);
  return server;
}

test.each<{ query: string; variables?: Record<string, unknown>; operationName?: string }>([
  { query: '{ items(count: 3) { n user __typename } }' },
  { query: 'query ($count: Int!) { items(count: $count) { n } }', variables: { count: 2 } },
  { query: 'query ($count: Int!) { items(count: $count) { n } }', variables: { count: 'two' } },
  { query: 'query ($count: Int!) { items(count: $count) { n } }' },
  { query: 'query A { items(count: 1) { n } } query B { __typename }', operationName: 'B' },
  { query: 'query A { items(count: 1) { n } } query B { __typename }' },
  { query: '{ forbidden\n  thrown items(count: 1) { n } }' },
  { query: '{ required }' },
  { query: 'mutation { set(n: 4) { n } }' },
  { query: '{ nothing }' },
  { query: '{ items(' },
  { query: '{ __schema { queryType { name fields { name } } } }' },
])('Apollo answers $query with $variables as it does with graphql-js', async (request) => {
  const answer = async (server: ApolloServer<Context>) => {
    const { body, http } = await server.executeOperation(request, {
      contextValue: { user: 'me' },
    });
    return JSON.parse(JSON.stringify({ body, status: http.status ?? 200 }));
  };
  const ours = await answer(serverWith());
  expect(ours).toEqual(await answer(reference()));
});

test('plugins see requests, errors and responses', async () => {
  const seen: unknown[] = [];
  const plugin: ApolloServerPlugin<Context> = {
    async serverWillStart() {
      return { schemaDidLoadOrUpdate: ({ apiSchema }) => seen.push(apiSchema === graphqlSchema) };
    },
    async requestDidStart({ request }) {
      seen.push(request.operationName);
      return {
        async executionDidStart() {
          seen.push('execution');
        },
        async didEncounterErrors({ errors, operation }) {
          const [error] = errors;
          seen.push({
            isGraphqlError: error instanceof GraphQLError,
            message: error?.message,
            path: error?.path,
            locations: error?.locations,
            kind: operation?.operation,
          });
        },
        async willSendResponse({ response, contextValue }) {
          seen.push(contextValue.user);
          response.http.headers.set('x-plugin', 'yes');
          if (response.body.kind === 'single') {
            response.body.singleResult.extensions = { added: true };
          }
        },
      };
    },
  };
  const server = serverWith([plugin]);
  const { body, http } = await server.executeOperation(
    { query: 'query Page {\n  items(count: 1) { n }\n  forbidden\n}', operationName: 'Page' },
    { contextValue: { user: 'me' } },
  );
  expect(seen).toEqual([
    true,
    'Page',
    'execution',
    {
      isGraphqlError: true,
      message: 'Not yours.',
      path: ['forbidden'],
      locations: [{ line: 3, column: 3 }],
      kind: 'query',
    },
    'me',
  ]);
  expect(http.headers.get('x-plugin')).toBe('yes');
  expect(body).toMatchObject({
    kind: 'single',
    singleResult: {
      data: { items: [{ n: 0 }], forbidden: null },
      extensions: { added: true },
    },
  });
});

test('willResolveField is called for what JavaScript resolves', async () => {
  const fields: string[] = [];
  const plugin: ApolloServerPlugin<Context> = {
    async requestDidStart() {
      return {
        async executionDidStart() {
          return {
            willResolveField({ info }) {
              fields.push(`${info.parentType.name}.${info.fieldName}`);
            },
          };
        },
      };
    },
  };
  await serverWith([plugin]).executeOperation({ query: '{ items(count: 2) { user __typename } }' });
  expect(fields).toEqual(['Query.items', 'Item.user', 'Item.user']);
});

test('a schema that masks errors hides them from Apollo too', async () => {
  const reported: unknown[] = [];
  const server = serverWith([], { onError: (error) => reported.push(error) });
  const { body } = await server.executeOperation({ query: '{ thrown }' });
  expect(body).toMatchObject({
    singleResult: {
      data: { thrown: null },
      errors: [{ message: 'Unexpected error.', extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
    },
  });
  expect(reported).toEqual([expect.objectContaining({ message: 'thrown' })]);
});

test('a route handler of Next.js by @as-integrations/next', async () => {
  const handler = startServerAndCreateNextHandler<Request, Context>(serverWith(), {
    context: async (request) => ({ user: request.headers.get('x-user') ?? 'nobody' }),
  });
  const post = new Request('http://localhost/api/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-user': 'Ada' },
    body: JSON.stringify({
      query: 'query ($count: Int!) { items(count: $count) { n user } }',
      variables: { count: 2 },
    }),
  });
  const response = await handler(post);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  expect(await response.json()).toEqual({
    data: {
      items: [
        { n: 0, user: 'Ada' },
        { n: 1, user: 'Ada' },
      ],
    },
  });

  const url = `http://localhost/api/graphql?query=${encodeURIComponent('{ items(count: 1) { n } }')}`;
  const get = await handler(new Request(url, { headers: { 'apollo-require-preflight': 'true' } }));
  expect(await get.json()).toEqual({ data: { items: [{ n: 0 }] } });

  const blocked = await handler(new Request(url));
  expect(blocked.status).toBe(400);
});
