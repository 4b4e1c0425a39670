import { makeExecutableSchema } from '@graphql-tools/schema';
import { afterEach, expect, jest, test } from '@jest/globals';
import { GraphQLError } from 'graphql';
import { type ErrorPlace, fromGraphQLSchema, type SchemaOptions } from 'next-puff/graphql';

const secret = new Error('connect ECONNREFUSED 10.0.0.7');

function schemaWith(options: SchemaOptions<unknown>) {
  const graphqlSchema = makeExecutableSchema({
    typeDefs: /* GraphQL */ `
      type Item {
        secret: String
        list: [String]
      }
      type Query {
        items: [Item]
        public: String
        wrapped: String
        required: String!
        late: String
      }
    `,
    resolvers: {
      Item: {
        secret: () => {
          throw secret;
        },
        list: () => ['a', Promise.reject(secret)],
      },
      Query: {
        items: () => [{}, {}],
        public: () => {
          throw new GraphQLError('Not yours.', { extensions: { code: 'FORBIDDEN', limit: 3 } });
        },
        wrapped: () => {
          throw new GraphQLError('It broke.', { originalError: secret });
        },
        required: () => null,
        late: () => Promise.reject({ not: 'an error' }),
      },
    },
  });
  return fromGraphQLSchema<unknown>(graphqlSchema, options);
}

afterEach(() => {
  jest.restoreAllMocks();
});

test('clients see GraphQLErrors only, and the hook is told of the others, once each', async () => {
  const reports: [unknown, ErrorPlace][] = [];
  const schema = schemaWith({ onError: (error, place) => reports.push([error, place]) });
  const masked = { message: 'Unexpected error.', extensions: { code: 'INTERNAL_SERVER_ERROR' } };
  const { data, errors } = await schema.query({
    query: 'query Page { items { secret list } public wrapped late }',
    operationName: 'Page',
  });
  expect(data).toEqual({
    items: [
      { secret: null, list: ['a', null] },
      { secret: null, list: ['a', null] },
    ],
    public: null,
    wrapped: null,
    late: null,
  });
  const byPath = Object.fromEntries(
    (errors ?? []).map(({ path, message, extensions }) => [
      path?.join('.'),
      { message, extensions },
    ]),
  );
  expect(byPath).toEqual({
    'items.0.secret': masked,
    'items.1.secret': masked,
    'items.0.list.1': masked,
    'items.1.list.1': masked,
    public: { message: 'Not yours.', extensions: { code: 'FORBIDDEN', limit: 3 } },
    wrapped: masked,
    late: masked,
  });
  const places = reports.map(([, { coordinate, operationName }]) => [coordinate, operationName]);
  expect(places.sort()).toEqual([
    ['Item.secret', 'Page'],
    ['Query.late', 'Page'],
    ['Query.wrapped', 'Page'],
  ]);
  const [, first] = reports.find(([error]) => error === secret) ?? [];
  expect(first?.path).toEqual(['items', 0, 'secret']);
});

test('without a hook they go to the console', async () => {
  const log = jest.spyOn(console, 'error').mockImplementation(() => {});
  await schemaWith({}).query({ query: '{ items { secret } }' });
  expect(log.mock.calls).toEqual([[expect.stringContaining('Item.secret'), secret]]);
});

test('a hook that throws changes no answer', async () => {
  const log = jest.spyOn(console, 'error').mockImplementation(() => {});
  const schema = schemaWith({
    onError: () => {
      throw new Error('from the hook');
    },
  });
  const { errors } = await schema.query({ query: '{ wrapped }' });
  expect(errors?.[0]?.message).toBe('Unexpected error.');
  expect(log).toHaveBeenCalledTimes(1);
});

test('null where the schema forbids it is public: it says nothing about the program', async () => {
  const { data, errors } = await schemaWith({ onError: () => {} }).query({ query: '{ required }' });
  expect(data).toBeNull();
  expect(errors?.[0]).toMatchObject({
    message: 'Cannot return null for non-nullable field Query.required.',
    path: ['required'],
  });
});

test('without masking all messages are shown', async () => {
  const { errors } = await schemaWith({ maskErrors: false, onError: () => {} }).query({
    query: '{ wrapped late items { secret } }',
  });
  const messages = errors?.map(({ message }) => message).sort();
  expect(messages).toEqual([
    'It broke.',
    'Unexpected error value: { not: "an error" }',
    secret.message,
    secret.message,
  ]);
});

test('a context that fails fails what needs it', async () => {
  const failure = new Error('no session store');
  const reported: unknown[] = [];
  const schema = schemaWith({
    context: () => {
      throw failure;
    },
    onError: (error) => reported.push(error),
  });
  const { data, errors } = await schema.query({ query: '{ public wrapped }' });
  expect(data).toEqual({ public: null, wrapped: null });
  expect(errors?.map(({ message }) => message)).toEqual(['Unexpected error.', 'Unexpected error.']);
  expect(reported).toEqual([failure]);
});
