import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, testServer } from '../../postgres/support/server';
import { NextApp } from './next-app';

const BUILD_MS = 240_000;
const DIRECT = '/api/direct';
const ROUTED = '/api/routed';
const PROXIED = '/api/proxied';
/** What Next.js and the transport add to a response. */
const OF_NEXT = new Set([
  ...['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding', 'vary'],
  ...['x-powered-by'],
]);

const database = testServer();
const app = new NextApp('copied');

beforeAll(async () => {
  await app.build();
  await app.start('start', database.url);
  for (const path of [DIRECT, PROXIED]) {
    const first = await app.query('{ add(a: 1, b: 2) }', {}, app.at(path));
    expect([isOfNext(first), await first.text()]).toEqual([true, '{"data":{"add":3}}']);
    expect((await fetch(app.at(`${path}?query=%7B__typename%7D`))).status).toBe(200);
  }
  // The first request has only begun to tell the core of the route.
  await eventually(
    async () => !isOfNext(await app.query('{ add(a: 1, b: 2) }', {}, app.at(DIRECT))),
    'the core answers',
  );
}, BUILD_MS);
afterAll(() => app.stop());

/** Whether Next.js had a part in it: it says on what headers the pages of the app depend. */
function isOfNext(response: Response): boolean {
  return response.headers.get('vary')?.includes('next-router-state-tree') ?? false;
}

const post = (body: string, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body,
  headers: { 'content-type': 'application/json', ...headers },
});
const query = (text: string) => post(JSON.stringify({ query: text }));
const hashed = '{ add(a: 3, b: 4) }';
const sha256Hash = createHash('sha256').update(hashed).digest('hex');
const extensions = { persistedQuery: { version: 1, sha256Hash } };
const unregistered = { persistedQuery: { version: 1, sha256Hash: '0'.repeat(64) } };

const cases: [name: string, status: number, search: string, init: RequestInit][] = [
  ['a query', 200, '', query('{ add(a: 20, b: 22) }')],
  ['a mutation', 200, '', query('mutation { rename(to: "Zoë") }')],
  [
    'the media type',
    200,
    '',
    {
      ...post('{"query":"{ __typename }"}', { accept: 'application/graphql-response+json' }),
    },
  ],
  ['a query with a statement that fails', 200, '', query('{ broken }')],
  ['an error of the parser', 200, '', query('{ add(')],
  ['an error of validation', 200, '', query('{ unknown }')],
  [
    'one of the media type',
    400,
    '',
    {
      ...post('{"query":"{ unknown }"}', { accept: 'application/graphql-response+json' }),
    },
  ],
  ['bad JSON', 400, '', post('{')],
  ['no body', 400, '', post('')],
  ['a list', 400, '', post('[]')],
  ['another content type', 415, '', post('x', { 'content-type': 'text/plain' })],
  ['a body that is too large', 413, '', post(JSON.stringify({ query: ' '.repeat(200_000) }))],
  ['an unknown persisted query', 200, '', post(JSON.stringify({ extensions: unregistered }))],
  ['a registration', 200, '', post(JSON.stringify({ query: hashed, extensions }))],
  ['a persisted query', 200, '', post(JSON.stringify({ extensions }))],
  ['GET', 200, '?query=%7Badd(a:1,b:1)%7D', {}],
  ['a mutation by GET', 405, '?query=mutation%7Brename(to:%22b%22)%7D', {}],
  ['GET by a browser', 406, '', { headers: { accept: 'text/html' } }],
  [
    'GET by a page of another site',
    400,
    '?query=%7B__typename%7D',
    {
      headers: { 'user-agent': 'Mozilla/5.0' },
    },
  ],
];

test.each(cases)('%s is answered as by the route', async (_name, status, search, init) => {
  // Next.js compresses.
  const headers = { 'accept-encoding': 'identity', ...init.headers };
  const direct = await fetch(app.at(DIRECT + search), { ...init, headers });
  const routed = await fetch(app.at(ROUTED + search), { ...init, headers });
  expect([isOfNext(direct), isOfNext(routed)]).toEqual([false, true]);
  const contents = async (response: Response) => ({
    status: response.status,
    headers: [...response.headers].filter(([name]) => !OF_NEXT.has(name)),
    body: await response.text(),
  });
  const answer = await contents(direct);
  expect(answer).toEqual(await contents(routed));
  expect(answer.status).toBe(status);
  expect(direct.headers.get('content-length')).toBe(String(Buffer.byteLength(answer.body)));
});

const others: [name: string, path: string, init: RequestInit][] = [
  ['PUT', '', { method: 'PUT', body: '{}' }],
  ['HEAD', '?query=%7B__typename%7D', { method: 'HEAD' }],
  ['OPTIONS', '', { method: 'OPTIONS' }],
  ['a path below', '/below', query('{ __typename }')],
  ['a path with a slash', '/', { ...query('{ __typename }'), redirect: 'manual' }],
];

test.each(others)('%s goes to Next.js', async (_name, path, init) => {
  const direct = await fetch(app.at(DIRECT + path), init);
  const routed = await fetch(app.at(ROUTED + path), init);
  expect(direct.status).toBe(routed.status);
  expect(direct.headers.get('vary')).toBe(routed.headers.get('vary'));
  expect(direct.headers.get('allow')).toBe(routed.headers.get('allow'));
});

test('a request that waits to send its body goes to Next.js', async () => {
  const body = '{"query":"{ add(a: 1, b: 1) }"}';
  const headers = {
    'content-type': 'application/json',
    'content-length': body.length,
    expect: '100-continue',
  };
  const request = httpRequest(app.at(DIRECT), { method: 'POST', headers });
  request.on('continue', () => request.end(body));
  request.flushHeaders();
  const [vary, answer] = await new Promise<[string | undefined, string]>((resolve, reject) => {
    request.on('error', reject);
    request.on('response', async (response) =>
      resolve([response.headers.vary, await text(response)]),
    );
  });
  expect(vary).toContain('next-router-state-tree');
  expect(answer).toBe('{"data":{"add":2}}');
});

test('a client that goes away cancels its statements', async () => {
  const controller = new AbortController();
  const gone = app
    .query('{ slow }', { signal: controller.signal }, app.at(DIRECT))
    .catch((error: Error) => error.name);
  await eventually(async () => (await database.running('pg_sleep')) === 1, 'it runs');
  controller.abort();
  expect(await gone).toBe('AbortError');
  await eventually(async () => (await database.running('pg_sleep')) === 0, 'it is cancelled');
});

test('pages and other routes work beside it', async () => {
  const answers = await Promise.all(
    Array.from({ length: 30 }, async (_, index) => {
      const [direct, page, route] = await Promise.all([
        fetch(app.at(DIRECT), query(`{ add(a: ${index}, b: 1) }`)),
        fetch(app.at('/')),
        app.query('{ greeting }'),
      ]);
      expect([isOfNext(direct), isOfNext(page)]).toEqual([false, true]);
      expect(page.headers.get('content-type')).toContain('text/html');
      expect(await route.json()).toEqual({ data: { greeting: 'Hello' } });
      return direct.json();
    }),
  );
  expect(answers).toEqual(answers.map((_, index) => ({ data: { add: index + 1 } })));
});

test('a URL that a proxy covers stays with Next.js', async () => {
  for (const init of [query('{ add(a: 1, b: 1) }'), query('{ add(a: 1, b: 1) }')]) {
    const response = await fetch(app.at(PROXIED), init);
    expect([response.headers.get('x-proxied'), isOfNext(response)]).toEqual(['yes', true]);
  }
  const warnings = app.output.match(/no shortcut to \/api\/\w+, because the proxy/g);
  // One for GET and one for POST.
  expect(warnings).toEqual(Array(2).fill(`no shortcut to ${PROXIED}, because the proxy`));
});

test('a failed statement is told to the log', () => {
  expect(app.output).toMatch(/Query\.broken[\s\S]*division by zero/);
});
