import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { eventually, testServer } from '../../postgres/support/server';
import { NextApp } from './next-app';

// The GraphQL routes of an app under `next-puff start`, beside `next start` on the same build.

const BUILD_MS = 240_000;
/** What belongs to the connection and the moment, and not to the answer. */
const OF_CONNECTION = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
]);

const STATIC = '/api/routed';
const database = testServer();
const app = new NextApp('copied');
let origin = '';

beforeAll(async () => {
  await app.build();
  await app.start('start', database.url);
  origin = await app.startPuff(database.url);
}, BUILD_MS);
afterAll(() => app.stop());

const post = (body: string, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body,
  headers: { 'content-type': 'application/json', ...headers },
});
const query = (text: string) => post(JSON.stringify({ query: text }));
const extensions = (text: string) => ({
  persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(text).digest('hex') },
});

/** How many requests the engine has answered without JavaScript. */
async function answeredNatively(): Promise<number> {
  const metrics = await (await fetch(`${origin}/metrics`)).text();
  const lines = metrics.split('\n').filter((line) => /requests_total\{.*tier="graphql"/.test(line));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function contents(response: Response) {
  return {
    status: response.status,
    headers: [...response.headers].filter(([name]) => !OF_CONNECTION.has(name)),
    body: await response.text(),
  };
}

const cases: [name: string, path: string, init: RequestInit][] = [
  ['a query', STATIC, query('{ add(a: 20, b: 22) }')],
  ['a mutation', STATIC, query('mutation { rename(to: "Zoë") }')],
  [
    'another media type',
    STATIC,
    post('{"query":"{ __typename }"}', { accept: 'application/graphql-response+json' }),
  ],
  ['a statement that fails', STATIC, query('{ broken }')],
  ['an error of the parser', STATIC, query('{ add(')],
  ['an error of validation', STATIC, query('{ unknown }')],
  [
    'one of the media type',
    STATIC,
    post('{"query":"{ unknown }"}', { accept: 'application/graphql-response+json' }),
  ],
  ['a subscription without a transport', STATIC, query('subscription { renamed }')],
  ['bad JSON', STATIC, post('{')],
  ['no body', STATIC, post('')],
  ['a list', STATIC, post('[]')],
  ['another content type', STATIC, post('x', { 'content-type': 'text/plain' })],
  ['a body that is too large', STATIC, post(JSON.stringify({ query: ' '.repeat(200_000) }))],
  [
    'an unknown persisted query',
    STATIC,
    post(JSON.stringify({ extensions: extensions('{ no }') })),
  ],
  [
    'a registration',
    STATIC,
    post(
      JSON.stringify({
        query: '{ add(a: 3, b: 4) }',
        extensions: extensions('{ add(a: 3, b: 4) }'),
      }),
    ),
  ],
  [
    'a persisted query',
    STATIC,
    post(JSON.stringify({ extensions: extensions('{ add(a: 3, b: 4) }') })),
  ],
  ['GET', `${STATIC}?query=%7Badd(a:1,b:1)%7D`, {}],
  ['a mutation by GET', `${STATIC}?query=mutation%7Brename(to:%22b%22)%7D`, {}],
  ['GET by a browser', STATIC, { headers: { accept: 'text/html' } }],
  [
    'GET by a page of another site',
    `${STATIC}?query=%7B__typename%7D`,
    { headers: { 'user-agent': 'Mozilla/5.0' } },
  ],
];

test.each(cases)(
  '%s is answered as by the route, without JavaScript',
  async (_name, path, init) => {
    // Next.js compresses in its own way.
    const headers = { 'accept-encoding': 'identity', ...init.headers };
    const before = await answeredNatively();
    const ours = await contents(await fetch(origin + path, { ...init, headers }));
    expect(await answeredNatively()).toBe(before + 1);
    expect(ours).toEqual(await contents(await fetch(app.at(path), { ...init, headers })));
  },
);

const others: [name: string, path: string, init: RequestInit][] = [
  ['HEAD', `${STATIC}?query=%7B__typename%7D`, { method: 'HEAD' }],
  ['OPTIONS', STATIC, { method: 'OPTIONS' }],
  ['PUT, which the route does not export', STATIC, { method: 'PUT', body: '{}' }],
  ['a path below', `${STATIC}/below`, query('{ __typename }')],
  ['a path with a slash', `${STATIC}/`, { ...query('{ __typename }'), redirect: 'manual' }],
  ['a field with a resolver', '/api/graphql', query('{ greeting route tenant }')],
  ['a route that a proxy covers', '/api/proxied', query('{ add(a: 1, b: 1) }')],
  ['a handler with something around it', '/api/guarded', query('{ add(a: 1, b: 1) }')],
  [
    'what such a handler lets pass',
    '/api/guarded',
    post('{"query":"{ add(a: 1, b: 1) }"}', { 'x-key': '1' }),
  ],
];

test.each(others)('%s is answered by the app', async (_name, path, init) => {
  const before = await answeredNatively();
  // Next.js compresses in its own way.
  const headers = { 'accept-encoding': 'identity', ...init.headers };
  const ours = await contents(await fetch(origin + path, { ...init, headers }));
  expect(await answeredNatively()).toBe(before);
  expect(ours).toEqual(await contents(await fetch(app.at(path), { ...init, headers })));
});

test('a route that a proxy covers is seen by the proxy', async () => {
  const response = await fetch(`${origin}/api/proxied`, query('{ add(a: 1, b: 1) }'));
  expect(response.headers.get('x-proxied')).toBe('yes');
});

test('the deadline of a route holds', async () => {
  const before = await answeredNatively();
  const slow = post('{"query":"{ slow }"}', { 'accept-encoding': 'identity' });
  const ours = await contents(await fetch(`${origin}/api/short`, slow));
  expect(await answeredNatively()).toBe(before + 1);
  expect(ours.status).toBe(504);
  expect(ours).toEqual(await contents(await fetch(app.at('/api/short'), slow)));
  await eventually(async () => (await database.running('pg_sleep')) === 0, 'it is cancelled');
});

test('a client that goes away cancels its statements', async () => {
  const controller = new AbortController();
  const gone = fetch(origin + STATIC, { ...query('{ slow }'), signal: controller.signal }).catch(
    (error: Error) => error.name,
  );
  await eventually(async () => (await database.running('pg_sleep')) === 1, 'it runs');
  controller.abort();
  expect(await gone).toBe('AbortError');
  await eventually(async () => (await database.running('pg_sleep')) === 0, 'it is cancelled');
});

describe('subscriptions', () => {
  const rename = (to: string) =>
    fetch(`${origin}/api/graphql`, query(`mutation { rename(to: "${to}") }`));

  /** Publishes again and again until the first result is there. */
  async function firstOf<Result>(results: AsyncIterator<Result>, to: string): Promise<Result> {
    const first = results.next();
    let isThere = false;
    void first.finally(() => {
      isThere = true;
    });
    while (!isThere) await rename(to);
    return (await first).value;
  }

  test('over a WebSocket', async () => {
    const client = createSocketClient({
      url: `${origin.replace('http', 'ws')}${STATIC}`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    });
    const renamed = client.iterate({ query: 'subscription { renamed }' });
    expect(await firstOf(renamed, 'Ada')).toEqual({ data: { renamed: 'Ada' } });
    const sum = client.iterate({ query: 'subscription { sum(a: 10) }' });
    expect(await firstOf(sum, 'four')).toEqual({ data: { sum: 14 } });
    const counted: unknown[] = [];
    for await (const { data } of client.iterate({ query: 'subscription { counted(to: 3) }' })) {
      counted.push(data?.counted);
    }
    expect(counted).toEqual([1, 2, 3]);
    await client.dispose();
  });

  test('over a WebSocket to a route with a context', async () => {
    const client = createSocketClient({
      url: `${origin.replace('http', 'ws')}/api/graphql`,
      webSocketImpl: class extends WebSocket {
        constructor(url: string, protocol: string) {
          super(url, protocol, { headers: { 'x-tenant': 'a' } });
        }
      },
      retryAttempts: 0,
    });
    const { value } = await client.iterate({ query: '{ tenant greeting }' }).next();
    expect(value).toEqual({ data: { tenant: 'a', greeting: 'Hello' } });
    await client.dispose();
  });

  test('not over a WebSocket past what is around a handler', async () => {
    const url = `${origin.replace('http', 'ws')}/api/guarded`;
    const [error] = await once(new WebSocket(url, 'graphql-transport-ws'), 'error');
    expect((error as Error).message).toContain('404');
  });

  test.each([
    ['without JavaScript', 'subscription { renamed }', { renamed: 'Eve' }],
    ['with a statement for each event', 'subscription { sum(a: 1) }', { sum: 4 }],
    ['with a source in JavaScript', 'subscription { counted(to: 1) }', { counted: 1 }],
  ])('as events %s', async (_name, text, data) => {
    const client = createClient({ url: origin + STATIC, retryAttempts: 0 });
    const results = client.iterate({ query: text });
    expect(await firstOf(results, 'Eve')).toEqual({ data });
    await results.return?.();
    client.dispose();
  });

  test('as events under next start', async () => {
    const client = createClient({ url: app.at(STATIC), retryAttempts: 0 });
    const counted: unknown[] = [];
    for await (const { data } of client.iterate({ query: 'subscription { counted(to: 2) }' })) {
      counted.push(data?.counted);
    }
    expect(counted).toEqual([1, 2]);
    client.dispose();
  });
});

describe('next-puff dev', () => {
  const developed = new NextApp('linked');
  let url = '';

  beforeAll(async () => {
    url = (await developed.startPuff(database.url, 'dev')).replace('http', 'ws');
  }, BUILD_MS);
  afterAll(() => developed.stop());

  test('takes WebSockets to routes that are compiled for them', async () => {
    const client = createSocketClient({
      url: `${url}${STATIC}`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    });
    const results: unknown[] = [];
    const query = 'subscription { counted(to: 2) }';
    for await (const { data } of client.iterate({ query })) results.push(data);
    expect(results).toEqual([{ counted: 1 }, { counted: 2 }]);
    expect((await client.iterate({ query: '{ add(a: 1, b: 2) }' }).next()).value).toEqual({
      data: { add: 3 },
    });
    await client.dispose();
  }, 60_000);

  test('tells others which subprotocol it speaks', async () => {
    const socket = new WebSocket(`${url}${STATIC}`, 'graphql-ws');
    const [error] = await once(socket, 'error');
    expect((error as Error).message).toContain('400');
  }, 60_000);
});
