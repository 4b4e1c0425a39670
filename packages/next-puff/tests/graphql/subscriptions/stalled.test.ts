import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { defineSchema, subscribe } from 'next-puff/graphql';
import { Gates } from './gates.ts';
import { SubscriptionServer } from './server.ts';
import { TestSocket } from './socket.ts';

// graphql-transport-ws while something takes its time: what comes too late is for nobody, and ends all the same.

const gates = new Gates();
let server: SubscriptionServer;

beforeAll(async () => {
  const schema = defineSchema<object>({
    typeDefs: /* GraphQL */ `
      type Query {
        slow(id: ID!): Int
        quick: Int
      }
      type Subscription {
        "Its source is not there before it is let through."
        opens(id: ID!): Int
        "Its source does not end before it is let through."
        closes(id: ID!): Int
      }
    `,
    context: async ({ connectionParams }) => {
      const gate = connectionParams?.gate as string | undefined;
      if (gate !== undefined) await gates.pass(gate);
      return {};
    },
    resolvers: {
      Query: {
        slow: (_: unknown, { id }: { id: string }) => gates.pass(id).then(() => 1),
        quick: () => 1,
      },
    },
    layers: {
      Subscription: {
        opens: subscribe(async function* ({ args }) {
          const id = args.id as string;
          await gates.pass(id);
          try {
            yield { opens: 1 };
            await gates.pass(`${id}: next`);
          } finally {
            gates.note(`${id} ended`);
          }
        }),
        closes: subscribe(async function* ({ args, signal }) {
          const id = args.id as string;
          gates.note(`${id} opened`);
          try {
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
            yield { closes: 1 };
          } finally {
            await gates.pass(id);
            gates.note(`${id} ended`);
          }
        }),
      },
    },
  });
  server = await SubscriptionServer.start(schema);
});
afterAll(() => server.stop());

const connect = () => TestSocket.connect(server.url);

test('a result that comes after the client completed its query is not sent', async () => {
  const socket = await connect();
  socket.subscribe('1', '{ slow(id: "query") }');
  await gates.reached('query');
  socket.send({ id: '1', type: 'complete' });
  expect(await socket.settled()).toEqual([]);
  gates.open('query');
  expect(await socket.settled()).toEqual([]);
  socket.close();
});

test('an id is taken while its operation is being prepared', async () => {
  const socket = await connect();
  socket.subscribe('same', 'subscription { opens(id: "preparing") }');
  socket.subscribe('same', '{ quick }');
  expect(await socket.closed).toEqual({
    code: 4409,
    reason: 'Subscriber for same already exists',
  });
  gates.open('preparing');
  gates.open('preparing: next');
});

test('a subscription that was completed before its first event sends none', async () => {
  const socket = await connect();
  socket.subscribe('1', 'subscription { opens(id: "completed") }');
  await gates.reached('completed');
  socket.send({ id: '1', type: 'complete' });
  expect(await socket.settled()).toEqual([]);
  gates.open('completed');
  expect(await socket.settled()).toEqual([]);
  // The id is free, and the socket works.
  socket.subscribe('1', '{ quick }');
  expect(await socket.next()).toEqual({ id: '1', type: 'next', payload: { data: { quick: 1 } } });
  socket.close();
});

test('a source that is reached after the socket has ended is ended', async () => {
  const socket = await connect();
  socket.subscribe('1', 'subscription { opens(id: "left") }');
  await gates.reached('left');
  socket.close(4321);
  await socket.closed;
  gates.open('left');
  await gates.noted('left ended');
});

test('no complete answers that of the client, even if the source ends late', async () => {
  const socket = await connect();
  socket.subscribe('1', 'subscription { closes(id: "late") }');
  await gates.noted('late opened');
  socket.send({ id: '1', type: 'complete' });
  await gates.reached('late');
  expect(await socket.settled()).toEqual([]);
  gates.open('late');
  await gates.noted('late ended');
  expect(await socket.settled()).toEqual([]);
  socket.close();
});

test('a source that ends slowly keeps no other from ending with the socket', async () => {
  const socket = await connect();
  for (const id of ['slow', 'fast']) {
    socket.subscribe(id, `subscription { closes(id: "${id}") }`);
    await gates.noted(`${id} opened`);
  }
  socket.close(4321);
  gates.open('fast');
  await gates.noted('fast ended');
  gates.open('slow');
  await gates.noted('slow ended');
});

test('a socket that ends while its connection is examined leaves the others alone', async () => {
  const [left, stays] = await Promise.all([TestSocket.open(server.url), connect()]);
  left.send({ type: 'connection_init', payload: { gate: 'examined' } });
  await gates.reached('examined');
  left.close(4321);
  await left.closed;
  gates.open('examined');
  stays.subscribe('1', '{ quick }');
  expect(await stays.next()).toMatchObject({ type: 'next' });
  stays.close();
});
