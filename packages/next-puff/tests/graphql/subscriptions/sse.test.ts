import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClient } from 'graphql-sse';
import { graphqlRoute } from 'next-puff/graphql';
import { pubsub } from 'next-puff/pubsub';
import { RouteServer } from '../route/route-server.ts';
import { Sources, testSchema } from './schema.ts';

// GraphQL over SSE through the handlers of a route file, as under plain `next start`.

const sources = new Sources();
let server: RouteServer;

beforeAll(async () => {
  const schema = testSchema(sources, (channel, event) => pubsub.publish(channel, event));
  const subscriptions = { keepAliveMs: 30, maxOperations: 3, maxBufferedBytes: 2 ** 20 };
  server = await RouteServer.start(graphqlRoute(schema, { subscriptions }));
});
afterAll(() => server.stop());

const EVENTS = { accept: 'text/event-stream' };
const post = (query: string, headers: Record<string, string> = EVENTS) =>
  server.query({ query }, headers);

/** Waits until somebody takes it. */
async function publish(channel: string, event: object): Promise<void> {
  while (pubsub.publish(channel, event) === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function untilNobodyListens(channel: string): Promise<void> {
  while (pubsub.publish(channel, {}) > 0) await new Promise((resolve) => setImmediate(resolve));
}

/** The events of a stream, as texts. */
async function* eventsOf(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split('\n\n');
    text = events.pop() as string;
    yield* events;
  }
}

/** The next event that is no comment. */
async function next(events: AsyncGenerator<string>): Promise<string | undefined> {
  for (;;) {
    const { value, done } = await events.next();
    if (done) return undefined;
    if (value !== ':') return value;
  }
}

const nextEvent = (data: object) => `event: next\ndata: ${JSON.stringify(data)}`;

describe('distinct connections', () => {
  test('a subscription is a stream of its results', async () => {
    const response = await post('subscription { count(to: 2) }');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform');
    const events = eventsOf(response);
    expect(await next(events)).toBe(nextEvent({ data: { count: 1 } }));
    expect(await next(events)).toBe(nextEvent({ data: { count: 2 } }));
    expect(await next(events)).toBe('event: complete\ndata: ');
    expect(await next(events)).toBeUndefined();
  });

  test('a query is a stream of one result', async () => {
    const events = eventsOf(await post('{ hello }'));
    expect(await next(events)).toBe(nextEvent({ data: { hello: 'Hello, world!' } }));
    expect(await next(events)).toBe('event: complete\ndata: ');
  });

  test('GET works as well', async () => {
    const query = encodeURIComponent('subscription { count(to: 1) }');
    const events = eventsOf(await fetch(`${server.url}?query=${query}`, { headers: EVENTS }));
    expect(await next(events)).toBe(nextEvent({ data: { count: 1 } }));
  });

  test('errors of the request are events', async () => {
    const response = await post('{ nothing }');
    expect(response.status).toBe(200);
    const events = eventsOf(response);
    expect(await next(events)).toMatch(
      /^event: next\ndata: \{"errors":\[\{"message":"Cannot query/,
    );
    expect(await next(events)).toBe('event: complete\ndata: ');
  });

  test('who takes JSON as well gets a stream for subscriptions only', async () => {
    const accept = 'application/graphql-response+json, text/event-stream';
    const query = await post('{ hello }', { accept });
    expect(query.headers.get('content-type')).toMatch(/^application\/graphql-response\+json/);
    const subscription = await post('subscription { count(to: 1) }', { accept });
    expect(subscription.headers.get('content-type')).toMatch(/^text\/event-stream/);
  });

  test('who takes no stream is told that it needs one', async () => {
    const response = await post('subscription { count(to: 1) }', { accept: 'application/json' });
    expect(await response.json()).toMatchObject({
      errors: [{ message: expect.stringContaining('transport for subscriptions') }],
    });
  });

  test('a stream without events gets comments', async () => {
    const controller = new AbortController();
    const response = await fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...EVENTS },
      body: JSON.stringify({ query: 'subscription { wait(id: "comments") }' }),
      signal: controller.signal,
    });
    const events = eventsOf(response);
    expect((await events.next()).value).toBe(':');
    expect((await events.next()).value).toBe(':');
    controller.abort();
    await expect(events.next()).rejects.toThrow();
    await sources.until('ended comments');
  });

  test('who takes nothing that there is gets 406', async () => {
    expect((await post('{ hello }', { accept: 'gibberish' })).status).toBe(406);
  });

  test('without a query gets 400', async () => {
    for (const accept of ['application/json', EVENTS.accept]) {
      const response = await fetch(server.url, { headers: { accept } });
      expect(response.status).toBe(400);
      expect(response.headers.get('content-type')).toMatch(/json/);
    }
  });

  test('what a source throws is an event, and the last', async () => {
    const events = eventsOf(await post('subscription { breaks(publicly: true) }'));
    expect(await next(events)).toBe(nextEvent({ data: { breaks: 1 } }));
    expect(await next(events)).toMatch(/"message":"broken"/);
    expect(await next(events)).toMatch(/^event: complete/);
    expect(await next(events)).toBeUndefined();
  });

  test('a client that leaves ends the source', async () => {
    const controller = new AbortController();
    const response = fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...EVENTS },
      body: JSON.stringify({ query: 'subscription { message(room: "left") { text } }' }),
      signal: controller.signal,
    });
    await publish('room:left', { message: { text: 'x' } });
    await response;
    controller.abort();
    await untilNobodyListens('room:left');
  });

  test('a client that does not read is cut off, and the source goes on for nobody', async () => {
    const query = encodeURIComponent('subscription { message(room: "slow") { text } }');
    const request = httpGet(`${server.url}?query=${query}`, { headers: EVENTS });
    const published = publish('room:slow', { message: { text: 'first' } });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.pause();
    await published;
    const text = 'x'.repeat(2 ** 16);
    while (pubsub.publish('room:slow', { message: { text } }) > 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const closed = new Promise((resolve) => response.once('close', resolve));
    response.on('error', () => {});
    response.resume();
    await closed;
    expect(response.complete).toBe(false);
  });

  test('the context knows the request', async () => {
    const headers = { ...EVENTS, authorization: 'Bearer ada' };
    const events = eventsOf(await post('subscription { viewer }', headers));
    expect(await next(events)).toBe(nextEvent({ data: { viewer: 'ada' } }));
  });
});

describe('a single connection', () => {
  /** A reserved and opened stream. */
  async function reserve() {
    const reservation = await fetch(server.url, { method: 'PUT' });
    expect(reservation.status).toBe(201);
    const token = await reservation.text();
    expect(token).toMatch(/^[\w-]{32}$/);
    const headers = { 'x-graphql-event-stream-token': token };
    const open = () => fetch(server.url, { headers: { ...headers, ...EVENTS } });
    const operate = (operationId: string | undefined, query: string) =>
      server.query(
        { query, extensions: operationId === undefined ? {} : { operationId } },
        { ...headers, accept: 'application/json' },
      );
    const stop = (operationId: string) =>
      fetch(`${server.url}?operationId=${operationId}`, { method: 'DELETE', headers });
    return { token, open, operate, stop };
  }

  test('has the results of all operations', async () => {
    const { open, operate } = await reserve();
    const stream = await open();
    expect(stream.status).toBe(200);
    const events = eventsOf(stream);
    const accepted = await operate('1', 'subscription { count(to: 2) }');
    expect([accepted.status, await accepted.text()]).toEqual([202, '']);
    for (const count of [1, 2]) {
      expect(await next(events)).toBe(nextEvent({ id: '1', payload: { data: { count } } }));
    }
    expect(await next(events)).toBe('event: complete\ndata: {"id":"1"}');
    expect((await operate('2', '{ hello }')).status).toBe(202);
    const payload = { data: { hello: 'Hello, world!' } };
    expect(await next(events)).toBe(nextEvent({ id: '2', payload }));
    expect(await next(events)).toBe('event: complete\ndata: {"id":"2"}');
  });

  test('takes operations before it is open', async () => {
    const { open, operate } = await reserve();
    await operate('early', '{ hello }');
    const events = eventsOf(await open());
    expect(await next(events)).toMatch(/"id":"early"/);
  });

  test('may have its token in the URL', async () => {
    const { token, operate } = await reserve();
    const events = eventsOf(await fetch(`${server.url}?token=${token}`, { headers: EVENTS }));
    await operate('1', '{ hello }');
    expect(await next(events)).toMatch(/"id":"1"/);
  });

  test('is open once', async () => {
    const { open } = await reserve();
    const first = await open();
    expect((await open()).status).toBe(409);
    await first.body?.cancel();
  });

  test('is not there without a reservation', async () => {
    const headers = { 'x-graphql-event-stream-token': 'made-up' };
    expect((await fetch(server.url, { headers: { ...headers, ...EVENTS } })).status).toBe(404);
    const operation = await server.query({ query: '{ hello }' }, headers);
    expect(operation.status).toBe(404);
    const stopped = await fetch(`${server.url}?operationId=1`, { method: 'DELETE', headers });
    expect(stopped.status).toBe(404);
  });

  test('needs the id of an operation, each for itself', async () => {
    const { open, operate, stop } = await reserve();
    const events = eventsOf(await open());
    expect((await operate(undefined, '{ hello }')).status).toBe(400);
    expect((await operate('1', 'subscription { wait(id: "sse1") }')).status).toBe(202);
    expect((await operate('1', '{ hello }')).status).toBe(409);
    expect((await operate('2', 'subscription { wait(id: "sse2") }')).status).toBe(202);
    expect((await operate('3', 'subscription { wait(id: "sse3") }')).status).toBe(202);
    expect((await operate('4', '{ hello }')).status).toBe(429);
    await sources.until('opened sse1');
    expect((await stop('1')).status).toBe(200);
    await sources.until('ended sse1');
    expect(await next(events)).toBe('event: complete\ndata: {"id":"1"}');
    expect((await operate('1', '{ hello }')).status).toBe(202);
    expect(await next(events)).toMatch(/^event: next\ndata: \{"id":"1"/);
    expect((await stop('unknown')).status).toBe(200);
  });

  test('refuses invalid operations in their own response', async () => {
    const { operate } = await reserve();
    const response = await operate('1', '{ nothing }');
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ errors: [{ message: expect.any(String) }] });
  });

  test('goes on when an operation was invalid', async () => {
    const { open, operate } = await reserve();
    const events = eventsOf(await open());
    await operate('1', '{ nothing }');
    expect((await operate('1', '{ hello }')).status).toBe(202);
    expect(await next(events)).toMatch(/^event: next\ndata: \{"id":"1","payload":\{"data"/);
  });

  test('has the errors of subscriptions', async () => {
    const { open, operate } = await reserve();
    const events = eventsOf(await open());
    expect((await operate('1', 'subscription { refuses }')).status).toBe(202);
    expect(await next(events)).toMatch(
      /^event: next\ndata: \{"id":"1","payload":\{"errors":\[\{"message":"not you"/,
    );
    expect(await next(events)).toBe('event: complete\ndata: {"id":"1"}');
  });

  test('may be opened by POST', async () => {
    const { token, operate } = await reserve();
    const headers = { 'x-graphql-event-stream-token': token, ...EVENTS };
    const stream = await fetch(server.url, { method: 'POST', headers });
    expect(stream.status).toBe(200);
    expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = eventsOf(stream);
    await operate('1', '{ hello }');
    expect(await next(events)).toMatch(/"id":"1"/);
    await stream.body?.cancel().catch(() => {});
  });

  test('ends its operations with it', async () => {
    const { token, operate } = await reserve();
    const controller = new AbortController();
    const { signal } = controller;
    await fetch(`${server.url}?token=${token}`, { headers: EVENTS, signal });
    await operate('1', 'subscription { wait(id: "together") }');
    await sources.until('opened together');
    controller.abort();
    await sources.until('ended together');
  });
});

describe.each([[false], [true]])(
  'the client graphql-sse (single connection: %s)',
  (singleConnection) => {
    const connect = () =>
      createClient({
        url: server.url,
        singleConnection: singleConnection as false,
        retryAttempts: 0,
      });

    test('iterates over a subscription', async () => {
      const client = connect();
      const counts: unknown[] = [];
      const query = 'subscription { count(to: 3) }';
      for await (const { data } of client.iterate<{ count: number }>({ query })) {
        counts.push(data?.count);
      }
      expect(counts).toEqual([1, 2, 3]);
      client.dispose();
    });

    test('leaves a subscription in the middle', async () => {
      const client = connect();
      const iterator = client.iterate({
        query: `subscription { wait(id: "sse${singleConnection}") }`,
      });
      void iterator.next().catch(() => {});
      await sources.until(`opened sse${singleConnection}`);
      await iterator.return?.();
      await sources.until(`ended sse${singleConnection}`);
      client.dispose();
    });

    test('gets what is published', async () => {
      const client = connect();
      const room = `sse${singleConnection}`;
      const query = `subscription { message(room: "${room}") { text } }`;
      const iterator = client.iterate({ query });
      const [{ value }] = await Promise.all([
        iterator.next(),
        publish(`room:${room}`, { message: { text: 'hi' } }),
      ]);
      expect(value).toEqual({ data: { message: { text: 'hi' } } });
      await iterator.return?.();
      client.dispose();
      await untilNobodyListens(`room:${room}`);
    });

    test('sends queries', async () => {
      const client = connect();
      const { value } = await client.iterate({ query: '{ hello }' }).next();
      expect(value).toEqual({ data: { hello: 'Hello, world!' } });
      client.dispose();
    });
  },
);
