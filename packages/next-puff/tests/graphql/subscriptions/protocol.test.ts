import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pubsub } from 'next-puff/pubsub';
import { Sources, testSchema } from './schema.ts';
import { SubscriptionServer } from './server.ts';
import { TestSocket } from './socket.ts';

// The rules of the subprotocol graphql-transport-ws, in the order of PROTOCOL.md of graphql-ws.

const sources = new Sources();
const schema = testSchema(sources, (channel, event) => pubsub.publish(channel, event));
let server: SubscriptionServer;

beforeAll(async () => {
  server = await SubscriptionServer.start(schema, { subscriptions: { maxOperations: 3 } });
});
afterAll(() => server.stop());

const open = () => TestSocket.open(server.url);
const connect = (payload?: object) => TestSocket.connect(server.url, payload);

/** Waits until somebody listens to a channel: the socket is told of its messages from then on. */
async function publish(channel: string, event: object): Promise<void> {
  while (pubsub.publish(channel, event) === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('the socket', () => {
  test('speaks graphql-transport-ws', async () => {
    const socket = await open();
    expect(socket.protocol).toBe('graphql-transport-ws');
    socket.close();
  });

  test('is not there for who offers another subprotocol', async () => {
    const offered = TestSocket.open(server.url, { protocol: 'graphql-ws' });
    await expect(offered).rejects.toThrow('400');
  });

  test('is chosen among several subprotocols', async () => {
    const socket = await TestSocket.open(server.url, {
      protocol: ['graphql-ws', 'graphql-transport-ws'] as unknown as string,
    });
    expect(socket.protocol).toBe('graphql-transport-ws');
    socket.close();
  });

  test('is not there for pages of other origins', async () => {
    const foreign = TestSocket.open(server.url, { headers: { origin: 'https://evil.example' } });
    await expect(foreign).rejects.toThrow('403');
  });

  test('is closed by the client with 1000', async () => {
    const socket = await connect();
    socket.close(1000);
    expect(await socket.closed).toMatchObject({ code: 1000 });
  });
});

describe('invalid messages', () => {
  test.each([
    ['no JSON', 'hello'],
    ['no object', [1]],
    ['no type', { id: '1' }],
    ['an unknown type', { type: 'start', id: '1' }],
    ['a payload of connection_init that is no object', { type: 'connection_init', payload: 'x' }],
    ['a payload of ping that is no object', { type: 'ping', payload: [] }],
    ['a payload of pong that is no object', { type: 'pong', payload: 1 }],
    ['subscribe without id', { type: 'subscribe', payload: { query: '{ hello }' } }],
    ['subscribe with an empty id', { type: 'subscribe', id: '', payload: { query: '{ hello }' } }],
    ['subscribe with a number for an id', { type: 'subscribe', id: 1, payload: { query: '' } }],
    ['subscribe without payload', { type: 'subscribe', id: '1' }],
    ['subscribe without query', { type: 'subscribe', id: '1', payload: {} }],
    ['a query that is no text', { type: 'subscribe', id: '1', payload: { query: {} } }],
    [
      'variables that are no object',
      { type: 'subscribe', id: '1', payload: { query: '', variables: [] } },
    ],
    [
      'an operation name that is no text',
      { type: 'subscribe', id: '1', payload: { query: '', operationName: 1 } },
    ],
    [
      'extensions that are no object',
      { type: 'subscribe', id: '1', payload: { query: '', extensions: '' } },
    ],
    ['complete without id', { type: 'complete' }],
  ])('%s closes with 4400', async (_name, message) => {
    const socket = await connect();
    socket.send(message);
    const closed = await socket.closed;
    expect(closed.code).toBe(4400);
    expect(closed.reason).toMatch(/^Invalid message/);
  });

  test('bytes close with 4400', async () => {
    const socket = await connect();
    socket.sendBytes(new Uint8Array([1, 2, 3]));
    expect(await socket.closed).toMatchObject({ code: 4400 });
  });
});

describe('connection_init', () => {
  test('is acknowledged, without a payload', async () => {
    const socket = await open();
    socket.send({ type: 'connection_init' });
    expect(await socket.next()).toEqual({ type: 'connection_ack' });
    socket.close();
  });

  test.each([[null], [{}], [{ token: 'good' }]])('may have the payload %j', async (payload) => {
    const socket = await open();
    socket.send({ type: 'connection_init', payload });
    expect(await socket.next()).toEqual({ type: 'connection_ack' });
    socket.close();
  });

  test('that does not come in time closes with 4408', async () => {
    const impatient = await SubscriptionServer.start(schema, {
      subscriptions: { connectionInitTimeoutMs: 20 },
    });
    const socket = await TestSocket.open(impatient.url);
    expect(await socket.closed).toEqual({
      code: 4408,
      reason: 'Connection initialisation timeout',
    });
    impatient.stop();
  });

  test('that came in time is no reason to close later', async () => {
    const impatient = await SubscriptionServer.start(schema, {
      subscriptions: { connectionInitTimeoutMs: 200 },
    });
    const [silent, socket] = await Promise.all([
      TestSocket.open(impatient.url),
      TestSocket.connect(impatient.url),
    ]);
    await silent.closed;
    expect(await socket.settled()).toEqual([]);
    socket.close();
    impatient.stop();
  });

  test('more than once closes with 4429', async () => {
    const socket = await connect();
    socket.send({ type: 'connection_init' });
    expect(await socket.closed).toEqual({ code: 4429, reason: 'Too many initialisation requests' });
  });

  test('more than once closes with 4429 before the first was acknowledged', async () => {
    const socket = await open();
    socket.send({ type: 'connection_init', payload: { token: 'slow' } });
    socket.send({ type: 'connection_init' });
    expect(await socket.closed).toMatchObject({ code: 4429 });
  });

  test('may be refused by the context: 4403', async () => {
    const socket = await open();
    socket.send({ type: 'connection_init', payload: { token: 'bad' } });
    expect(await socket.closed).toEqual({ code: 4403, reason: 'Forbidden' });
    await sources.until('reported: a bad token');
  });

  test('gives its payload to the context of each operation', async () => {
    const socket = await connect({ token: 'ada' });
    socket.subscribe('1', '{ viewer }');
    expect(await socket.next()).toEqual({
      id: '1',
      type: 'next',
      payload: { data: { viewer: 'ada' } },
    });
    expect(await socket.next()).toEqual({ id: '1', type: 'complete' });
    socket.subscribe('2', 'subscription { viewer }');
    expect(await socket.next()).toEqual({
      id: '2',
      type: 'next',
      payload: { data: { viewer: 'ada' } },
    });
    expect(await socket.next()).toEqual({ id: '2', type: 'complete' });
    socket.close();
  });

  test('leaves the headers of the handshake to the context', async () => {
    const headers = { authorization: 'Bearer eve' };
    const socket = await TestSocket.open(server.url, { headers });
    socket.send({ type: 'connection_init' });
    await socket.next();
    socket.subscribe('1', '{ viewer }');
    expect(await socket.next()).toMatchObject({ payload: { data: { viewer: 'eve' } } });
    socket.close();
  });
});

describe('ping and pong', () => {
  test('a ping gets a pong, also before the connection was acknowledged', async () => {
    const socket = await open();
    socket.send({ type: 'ping' });
    expect(await socket.next()).toEqual({ type: 'pong' });
    socket.close();
  });

  test('a pong has the payload of its ping', async () => {
    const socket = await connect();
    socket.send({ type: 'ping', payload: { at: [1] } });
    expect(await socket.next()).toEqual({ type: 'pong', payload: { at: [1] } });
    socket.close();
  });

  test('a pong may come unasked', async () => {
    const socket = await connect();
    socket.send({ type: 'pong' });
    socket.send({ type: 'pong', payload: {} });
    expect(await socket.settled()).toEqual([]);
    socket.close();
  });
});

describe('subscribe', () => {
  test('before the connection was acknowledged closes with 4401', async () => {
    const socket = await open();
    socket.subscribe('1', '{ hello }');
    expect(await socket.closed).toEqual({ code: 4401, reason: 'Unauthorized' });
  });

  test('between connection_init and its acknowledgement closes with 4401', async () => {
    const socket = await open();
    socket.send({ type: 'connection_init', payload: { token: 'slow' } });
    socket.subscribe('1', '{ hello }');
    expect(await socket.closed).toMatchObject({ code: 4401 });
  });

  test('with the id of an active operation closes with 4409', async () => {
    const socket = await connect();
    socket.subscribe('same', 'subscription { wait(id: "4409") }');
    await sources.until('opened 4409');
    socket.subscribe('same', '{ hello }');
    expect(await socket.closed).toEqual({
      code: 4409,
      reason: 'Subscriber for same already exists',
    });
    await sources.until('ended 4409');
  });

  test('may use the id of an operation that has ended', async () => {
    const socket = await connect();
    for (let round = 0; round < 3; round++) {
      socket.subscribe('again', '{ hello }');
      expect(await socket.next()).toMatchObject({ id: 'again', type: 'next' });
      expect(await socket.next()).toEqual({ id: 'again', type: 'complete' });
    }
    socket.close();
  });

  test('a query has one result', async () => {
    const socket = await connect();
    socket.subscribe('1', 'query A { a: hello } query B($n: String) { hello(name: $n) }', {
      operationName: 'B',
      variables: { n: 'you' },
      extensions: {},
    });
    const payload = { data: { hello: 'Hello, you!' } };
    expect(await socket.next()).toEqual({ id: '1', type: 'next', payload });
    expect(await socket.next()).toEqual({ id: '1', type: 'complete' });
    expect(await socket.settled()).toEqual([]);
    socket.close();
  });

  test('a mutation has one result', async () => {
    const socket = await connect();
    socket.subscribe('1', 'mutation { say(room: "nobody", text: "hi") }');
    expect(await socket.next()).toEqual({ id: '1', type: 'next', payload: { data: { say: 0 } } });
    expect(await socket.next()).toEqual({ id: '1', type: 'complete' });
    socket.close();
  });

  test('errors of fields are in the result', async () => {
    const socket = await connect();
    socket.subscribe('1', '{ hello fails }');
    const { type, payload } = await socket.next();
    expect(type).toBe('next');
    expect(payload).toMatchObject({
      data: null,
      errors: [{ message: 'Unexpected error.', path: ['fails'] }],
    });
    expect(await socket.next()).toEqual({ id: '1', type: 'complete' });
    socket.close();
  });

  test('a subscription has a result for each event, in their order', async () => {
    const socket = await connect();
    socket.subscribe('1', 'subscription { count(to: 5) }');
    for (let count = 1; count <= 5; count++) {
      expect(await socket.next()).toEqual({ id: '1', type: 'next', payload: { data: { count } } });
    }
    expect(await socket.next()).toEqual({ id: '1', type: 'complete' });
    socket.close();
  });

  test('an event that fails does not end the subscription', async () => {
    const socket = await connect();
    socket.subscribe('1', 'subscription { odd(to: 3) }');
    const payloads = [await socket.next(), await socket.next(), await socket.next()];
    expect(payloads.map(({ payload }) => payload)).toMatchObject([
      { data: { odd: 1 } },
      { data: { odd: null }, errors: [{ message: '2 is even', path: ['odd'] }] },
      { data: { odd: 3 } },
    ]);
    expect(await socket.next()).toEqual({ id: '1', type: 'complete' });
    socket.close();
  });

  test('operations run side by side', async () => {
    const socket = await connect();
    socket.subscribe('slow', 'subscription { wait(id: "side") }');
    await sources.until('opened side');
    socket.subscribe('quick', '{ hello }');
    expect(await socket.next()).toMatchObject({ id: 'quick', type: 'next' });
    expect(await socket.next()).toEqual({ id: 'quick', type: 'complete' });
    socket.close();
    await sources.until('ended side');
  });

  test('more operations than may be have an error', async () => {
    const socket = await connect();
    for (const id of ['a', 'b', 'c', 'd'])
      socket.subscribe(id, `subscription { wait(id: "${id}") }`);
    const error = await socket.next();
    expect(error).toMatchObject({
      id: 'd',
      type: 'error',
      payload: [{ extensions: { code: 'PUFF_GRAPHQL_TOO_MANY_OPERATIONS' } }],
    });
    socket.send({ id: 'a', type: 'complete' });
    socket.subscribe('e', '{ hello }');
    expect(await socket.next()).toMatchObject({ id: 'e', type: 'next' });
    socket.close();
  });
});

describe('error', () => {
  test.each([
    ['a syntax error', '{', 'GRAPHQL_PARSE_FAILED'],
    ['an invalid document', '{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['two root fields', 'subscription { count(to: 1) wait(id: 1) }', 'GRAPHQL_VALIDATION_FAILED'],
    ['a variable that is missing', 'subscription ($n: Int!) { count(to: $n) }', 'BAD_USER_INPUT'],
    ['no query', '', 'BAD_REQUEST'],
  ])('%s is one, and the end', async (_name, query, code) => {
    const socket = await connect();
    socket.subscribe('1', query);
    const { type, payload } = await socket.next();
    expect(type).toBe('error');
    expect(payload).toMatchObject([
      { extensions: { code: code === 'BAD_REQUEST' ? expect.any(String) : code } },
    ]);
    expect(await socket.settled()).toEqual([]);
    socket.subscribe('1', '{ hello }');
    expect(await socket.next()).toMatchObject({ id: '1', type: 'next' });
    socket.close();
  });

  test('what the source throws when it is opened is one', async () => {
    const socket = await connect();
    socket.subscribe('1', 'subscription { no: refuses }');
    expect(await socket.next()).toEqual({
      id: '1',
      type: 'error',
      payload: [
        {
          message: 'not you',
          locations: [{ line: 1, column: 16 }],
          path: ['no'],
          extensions: { code: 'FORBIDDEN' },
        },
      ],
    });
    expect(await socket.settled()).toEqual([]);
    socket.close();
  });

  test('what is no source is one, and masked', async () => {
    const socket = await connect();
    socket.subscribe('1', 'subscription { noIterable }');
    expect(await socket.next()).toMatchObject({
      type: 'error',
      payload: [{ message: 'Unexpected error.', path: ['noIterable'] }],
    });
    await sources.until(
      'reported: Subscription.noIterable: Subscription field must return Async Iterable. Received: 5.',
    );
    socket.close();
  });

  test.each([
    [false, 'Unexpected error.'],
    [true, 'broken'],
  ])('what the source throws later is one (public: %s)', async (publicly, message) => {
    const socket = await connect();
    socket.subscribe('1', `subscription { breaks(publicly: ${publicly}) }`);
    expect(await socket.next()).toMatchObject({ type: 'next', payload: { data: { breaks: 1 } } });
    expect(await socket.next()).toMatchObject({ id: '1', type: 'error', payload: [{ message }] });
    expect(await socket.settled()).toEqual([]);
    socket.close();
  });
});

describe('complete', () => {
  test('of an unknown operation is ignored', async () => {
    const socket = await connect();
    socket.send({ id: 'unknown', type: 'complete' });
    expect(await socket.settled()).toEqual([]);
    socket.close();
  });

  test('ends the source of a subscription, and nothing more comes', async () => {
    const socket = await connect();
    socket.subscribe('1', 'subscription { wait(id: "complete") }');
    await sources.until('opened complete');
    socket.send({ id: '1', type: 'complete' });
    await sources.until('ended complete');
    expect(await socket.settled()).toEqual([]);
    socket.close();
  });

  test('ends a query, whose result does not come', async () => {
    const socket = await connect();
    socket.subscribe('1', '{ never }');
    socket.send({ id: '1', type: 'complete' });
    expect(await socket.settled()).toEqual([]);
    socket.subscribe('1', '{ hello }');
    expect(await socket.next()).toMatchObject({ id: '1', type: 'next' });
    socket.close();
  });

  test('ends one operation and leaves the others', async () => {
    const socket = await connect();
    socket.subscribe('gone', 'subscription { message(room: "both") { text } }');
    socket.subscribe('stays', 'subscription { message(room: "both") { text } }');
    await publish('room:both', { message: { room: 'both', text: 'one' } });
    await socket.next();
    socket.send({ id: 'gone', type: 'complete' });
    await socket.settled();
    await publish('room:both', { message: { room: 'both', text: 'two' } });
    const message = await socket.next();
    expect(message).toEqual({
      id: 'stays',
      type: 'next',
      payload: { data: { message: { text: 'two' } } },
    });
    socket.close();
  });
});

describe('the end of the socket', () => {
  test.each([
    ['closed', (socket: TestSocket) => socket.close()],
    ['dropped', (socket: TestSocket) => socket.terminate()],
  ])('ends all sources when it is %s', async (how, end) => {
    const socket = await connect();
    for (const id of ['1', '2']) socket.subscribe(id, `subscription { wait(id: "${how}${id}") }`);
    await sources.until(`opened ${how}2`);
    end(socket);
    await sources.until(`ended ${how}2`);
  });

  test('ends the subscriptions to channels', async () => {
    const socket = await connect();
    socket.subscribe('1', 'subscription { message(room: "left") { text } }');
    await publish('room:left', { message: { room: 'left', text: 'x' } });
    await socket.next();
    socket.terminate();
    while (pubsub.publish('room:left', {}) > 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
});

describe('channels', () => {
  const say = (room: string, text: string) => publish(`room:${room}`, { message: { room, text } });
  const result = (id: string, field: string, value: unknown) => ({
    id,
    type: 'next',
    payload: { data: { [field]: value } },
  });

  test('what is published comes without JavaScript', async () => {
    const socket = await connect();
    socket.subscribe('1', 'subscription { message(room: "a") { __typename room text } }');
    await say('a', 'one');
    const one = { __typename: 'Message', room: 'a', text: 'one' };
    expect(await socket.next()).toEqual(result('1', 'message', one));
    await say('a', 'two');
    expect(await socket.next()).toEqual(result('1', 'message', { ...one, text: 'two' }));
    socket.close();
  });

  test('resolvers below are asked for each event', async () => {
    const socket = await connect();
    socket.subscribe('1', 'subscription { message(room: "b") { loud } }');
    await say('b', 'hi');
    expect(await socket.next()).toEqual(result('1', 'message', { loud: 'HI' }));
    await say('b', 'you');
    expect(await socket.next()).toEqual(result('1', 'message', { loud: 'YOU' }));
    socket.close();
  });

  test('a function makes the value of the event', async () => {
    const socket = await connect();
    socket.subscribe('1', 'subscription { scripted(room: "c") { text loud } }');
    await say('c', 'hi');
    expect(await socket.next()).toEqual(result('1', 'scripted', { text: 'hi', loud: 'HI' }));
    socket.close();
  });

  test('the context names a channel', async () => {
    const socket = await connect({ token: 'ada' });
    socket.subscribe('1', 'subscription { own { text } }');
    await say('of ada', 'secret');
    expect(await socket.next()).toEqual(result('1', 'own', { text: 'secret' }));
    socket.close();
  });

  test('all subscribers have the same events in the same order', async () => {
    const sockets = await Promise.all(Array.from({ length: 20 }, () => connect()));
    for (const [index, socket] of sockets.entries()) {
      socket.subscribe(`${index}`, 'subscription { message(room: "all") { text } }');
    }
    // The first one tells that somebody is there, not that all are.
    let counted = 0;
    while (counted < 20) {
      counted = 0;
      await say('all', 'start');
      for (const socket of sockets) counted += (await socket.settled()).length > 0 ? 1 : 0;
    }
    const texts = Array.from({ length: 50 }, (_, index) => `${index}`);
    for (const text of texts) pubsub.publish('room:all', { message: { room: 'all', text } });
    for (const [index, socket] of sockets.entries()) {
      const received: unknown[] = [];
      while (received.length < texts.length) {
        const { id, payload } = await socket.next();
        expect(id).toBe(`${index}`);
        const { text } = (payload as { data: { message: { text: string } } }).data.message;
        if (text !== 'start') received.push(text);
      }
      expect(received).toEqual(texts);
      socket.close();
    }
  });
});
