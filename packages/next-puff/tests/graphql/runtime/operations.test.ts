import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { expect, jest, test } from '@jest/globals';
import { GraphQLScalarType } from 'graphql';
import { fromGraphQLSchema } from 'next-puff/graphql';

const storage = new AsyncLocalStorage<string>();
let running = 0;
let mostRunning = 0;

const Even = new GraphQLScalarType({
  name: 'Even',
  parseValue: (value) => {
    if ((value as number) % 2 !== 0) throw new Error(`${value} is odd.`);
    return { half: (value as number) / 2 };
  },
});

const graphqlSchema = makeExecutableSchema({
  typeDefs: /* GraphQL */ `
    scalar Even
    type Item {
      n: Int
      slow: Int
      who: String
    }
    type Query {
      items: [Item]
      half(of: Even): Int
      who: String
      constant: Int
    }
  `,
  resolvers: {
    Even,
    Item: {
      slow: async ({ n }: { n: number }) => {
        mostRunning = Math.max(mostRunning, ++running);
        await sleep(20 - n);
        running--;
        return n;
      },
      who: async () => {
        await sleep(1);
        return storage.getStore();
      },
    },
    Query: {
      items: () => Array.from({ length: 10 }, (_, n) => ({ n })),
      half: (_root: unknown, { of }: { of?: { half: number } }) => of?.half,
      who: () => storage.getStore(),
      constant: () => 1,
    },
  },
});

test('the resolvers of a level run together', async () => {
  const schema = fromGraphQLSchema(graphqlSchema);
  const { data } = await schema.query({ query: '{ items { slow n } }' });
  expect(data?.items).toEqual(Array.from({ length: 10 }, (_, n) => ({ slow: n, n })));
  expect(mostRunning).toBe(10);
});

test('resolvers run in the async context of the operation that they belong to', async () => {
  const schema = fromGraphQLSchema(graphqlSchema);
  const names = Array.from({ length: 20 }, (_, index) => `request ${index}`);
  const answers = await Promise.all(
    names.map((name) => storage.run(name, () => schema.query({ query: '{ who items { who } }' }))),
  );
  answers.forEach(({ data }, index) => {
    const { who, items } = data as { who: string; items: { who: string }[] };
    const found = [who, ...items.map((item) => item.who)];
    expect(new Set(found)).toEqual(new Set([names[index]]));
  });
});

test('the context is made once, and only for operations that need it', async () => {
  const context = jest.fn(async () => ({}));
  const schema = fromGraphQLSchema(graphqlSchema, { context });
  await schema.query({ query: '{ __typename __schema { queryType { name } } }' });
  expect(context).toHaveBeenCalledTimes(0);
  await schema.query({ query: '{ items { slow who n } constant }' });
  expect(context).toHaveBeenCalledTimes(1);
});

test('the context sees the request', async () => {
  const schema = fromGraphQLSchema<{ token: string | null }>(
    makeExecutableSchema<{ token: string | null }>({
      typeDefs: 'type Query { token: String }',
      resolvers: { Query: { token: (_root, _args, { token }) => token } },
    }),
    { context: ({ authToken }) => ({ token: authToken }) },
  );
  const request = new Request('http://localhost/', { headers: { authorization: 'Bearer abc' } });
  expect(await schema.query({ query: '{ token }', request })).toEqual({ data: { token: 'abc' } });
  expect(await schema.query({ query: '{ token }' })).toEqual({ data: { token: null } });
});

test('what a custom scalar does not take is an error of the client', async () => {
  const schema = fromGraphQLSchema(graphqlSchema);
  const query = 'query ($of: Even) { half(of: $of) constant }';
  const good = await schema.query({ query, variables: { of: 4 } });
  expect(good).toEqual({ data: { half: 2, constant: 1 } });
  const { errors } = await schema.query({ query, variables: { of: 3 } });
  expect(errors?.[0]?.message).toMatch(/Variable "\$of" got invalid value 3.*3 is odd\./);
});

test('an operation leaves nothing behind', async () => {
  const schema = fromGraphQLSchema(graphqlSchema);
  const run = async (times: number) => {
    for (let index = 0; index < times; index++)
      await schema.query({ query: '{ items { n } who }' });
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  };
  await run(300);
  const before = await run(300);
  const after = await run(1500);
  expect(after - before).toBeLessThan(20 * 1024 * 1024);
});

test('promises that nobody waits for any more fail quietly', async () => {
  const late = () => sleep(5).then(() => Promise.reject(new Error('too late')));
  const schema = fromGraphQLSchema(
    makeExecutableSchema({
      typeDefs: 'type Query { list: [Int!] lists: [[Int!]!] }',
      resolvers: {
        Query: {
          list: () => [late(), null, late()],
          lists: async () => [
            [1, late()],
            [null, late()],
          ],
        },
      },
    }),
    { onError: () => {} },
  );
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  const { data, errors } = await schema.query({ query: '{ list lists }' });
  await sleep(30);
  process.off('unhandledRejection', note);
  expect(data).toEqual({ list: null, lists: null });
  expect(errors?.map(({ path }) => path)).toEqual([
    ['list', 1],
    ['lists', 1, 0],
  ]);
  expect(unhandled).toEqual([]);
});
