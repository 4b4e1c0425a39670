import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client/core';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { getMainDefinition } from '@apollo/client/utilities';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Client, createClient } from 'graphql-ws';
import { pubsub } from 'next-puff/pubsub';
import { WebSocket } from 'ws';
import { Sources, testSchema } from './schema.ts';
import { SubscriptionServer } from './server.ts';

const sources = new Sources();
let server: SubscriptionServer;
let client: Client;

beforeAll(async () => {
  const schema = testSchema(sources, (channel, event) => pubsub.publish(channel, event));
  server = await SubscriptionServer.start(schema);
  client = createClient({
    url: server.url,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: async () => ({ token: 'ada' }),
  });
});
afterAll(async () => {
  await client.dispose();
  server.stop();
});

/** Publishes until somebody has taken it. */
async function publish(channel: string, event: object): Promise<void> {
  while (pubsub.publish(channel, event) === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('graphql-ws iterates over a subscription', async () => {
  const counts: unknown[] = [];
  for await (const { data } of client.iterate<{ count: number }>({
    query: 'subscription ($to: Int!) { count(to: $to) }',
    variables: { to: 4 },
  })) {
    counts.push(data?.count);
  }
  expect(counts).toEqual([1, 2, 3, 4]);
});

test('graphql-ws leaves a subscription in the middle', async () => {
  const iterator = client.iterate({ query: 'subscription { wait(id: "ws") }' });
  void iterator.next();
  await sources.until('opened ws');
  await iterator.return?.();
  await sources.until('ended ws');
});

test('graphql-ws sends queries and mutations, with the connection in the context', async () => {
  const first = async (query: string) => (await client.iterate({ query }).next()).value;
  expect(await first('{ hello viewer }')).toEqual({
    data: { hello: 'Hello, world!', viewer: 'ada' },
  });
  expect(await first('mutation { say(room: "x", text: "y") }')).toEqual({ data: { say: 0 } });
});

test('graphql-ws gets errors of the request as such', async () => {
  const result = client.iterate({ query: '{ nothing }' }).next();
  await expect(result).rejects.toMatchObject([{ message: expect.stringContaining('nothing') }]);
});

test('graphql-ws is refused with 4403', async () => {
  const refused = createClient({
    url: server.url,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { token: 'bad' },
  });
  const result = refused.iterate({ query: '{ hello }' }).next();
  await expect(result).rejects.toMatchObject({ code: 4403, reason: 'Forbidden' });
});

test('graphql-ws has many operations at a time', async () => {
  const texts: string[] = [];
  const rooms = Array.from({ length: 20 }, (_, index) => `many${index}`);
  const done = rooms.map(async (room) => {
    const query = 'subscription ($room: ID!) { message(room: $room) { text } }';
    const iterator = client.iterate<{ message: { text: string } }>({ query, variables: { room } });
    const { value } = await iterator.next();
    texts.push(value.data.message.text);
    await iterator.return?.();
  });
  await Promise.all(rooms.map((room) => publish(`room:${room}`, { message: { text: room } })));
  await Promise.all(done);
  expect(texts.sort()).toEqual([...rooms].sort());
});

test('Apollo Client subscribes through its GraphQLWsLink', async () => {
  const isSubscription = ({ query }: { query: ReturnType<typeof gql> }) => {
    const definition = getMainDefinition(query);
    return definition.kind === 'OperationDefinition' && definition.operation === 'subscription';
  };
  const apollo = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      isSubscription,
      new GraphQLWsLink(client),
      new HttpLink({ uri: 'http://127.0.0.1:1/graphql' }),
    ),
  });
  const query = gql`
    subscription {
      scripted(room: "apollo") {
        text
        loud
      }
    }
  `;
  const received: unknown[] = [];
  await new Promise<void>((resolve, reject) => {
    const subscription = apollo.subscribe({ query }).subscribe({
      next: ({ data, error }) => {
        if (error) reject(error);
        received.push(data);
        if (received.length < 2) return;
        subscription.unsubscribe();
        resolve();
      },
      error: reject,
    });
    const say = (text: string) => publish('room:apollo', { message: { text } });
    say('one').then(() => say('two'), reject);
  });
  const message = (text: string) => ({
    scripted: { __typename: 'Message', text, loud: text.toUpperCase() },
  });
  expect(received).toEqual([message('one'), message('two')]);
  apollo.stop();
});

test('Apollo Client sends queries through it as well', async () => {
  const apollo = new ApolloClient({
    cache: new InMemoryCache(),
    link: new GraphQLWsLink(client),
  });
  const { data } = await apollo.query({ query: gql`{ viewer }` });
  expect(data).toEqual({ viewer: 'ada' });
  apollo.stop();
});
