import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { route } from 'next-puff';
import { defineSchema, graphqlRoute, layer, type SchemaRequest, sql } from 'next-puff/graphql';
import { eventually, testServer } from '../../postgres/support/server';
import { RouteServer } from './route-server';

const database = testServer();
const MAX_BODY_BYTES = 100_000;
/** Every mutation that was executed. */
const executed: string[] = [];

const schema = defineSchema({
  typeDefs: `
    type Query {
      hello(name: String): String
      header(name: String!): String
      number: Int
      slow: Int
    }
    type Mutation { note(text: String!): String }
  `,
  layers: {
    Query: {
      number: layer.static(() => sql`select 7 as number`),
      slow: layer.static(() => sql`select 1 as slow from pg_sleep(30)`),
    },
  },
  resolvers: {
    Query: {
      hello: (_parent: unknown, { name }: { name?: string }) => `Hello ${name ?? 'world'}`,
      header: (_parent: unknown, { name }: { name: string }, context: SchemaRequest) =>
        context.request?.headers.get(name),
    },
    Mutation: {
      note: (_parent: unknown, { text }: { text: string }) => {
        executed.push(text);
        return text;
      },
    },
  },
});

let server: RouteServer;
/** The same behind `route()`, with a short deadline. */
let wrapped: RouteServer;

beforeAll(async () => {
  const { GET, POST } = graphqlRoute(schema, { maxBodyBytes: MAX_BODY_BYTES });
  server = await RouteServer.start({ GET, POST });
  wrapped = await RouteServer.start({ GET, POST: route({ deadlineMs: 500 }, POST) });
});
afterAll(() => Promise.all([server.stop(), wrapped.stop()]));

test('a request is answered from the pool and by resolvers', async () => {
  const response = await server.query({
    query: 'query A($name: String) { number hello(name: $name) }',
    variables: { name: 'Zoë 🏊' },
    operationName: 'A',
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(await response.json()).toEqual({ data: { number: 7, hello: 'Hello Zoë 🏊' } });
});

test('the context is made of the request', async () => {
  const response = await server.query(
    { query: '{ header(name: "x-tenant") }' },
    { 'x-tenant': 'seven' },
  );
  expect(await response.json()).toEqual({ data: { header: 'seven' } });
});

test('GET executes queries but no mutations', async () => {
  const get = (query: string) => fetch(`${server.url}?${new URLSearchParams({ query })}`);
  expect(await (await get('{ hello }')).json()).toEqual({ data: { hello: 'Hello world' } });
  const head = await fetch(`${server.url}?query=%7Bhello%7D`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);

  const refused = await get('mutation { note(text: "by GET") }');
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'POST']);
  expect(executed).not.toContain('by GET');
  const allowed = await server.query({ query: 'mutation { note(text: "by POST") }' });
  expect(await allowed.json()).toEqual({ data: { note: 'by POST' } });
  expect(executed).toContain('by POST');
});

test('a browser gets a page, and a page of another site gets nothing', async () => {
  const page = await fetch(server.url, { headers: { accept: 'text/html' } });
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(await page.text()).toContain('graphiql');
  const forged = await fetch(`${server.url}?query=%7Bhello%7D`, {
    headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64)' },
  });
  expect(forged.status).toBe(400);
});

test('clients register documents under their hash', async () => {
  const query = '{ hello(name: "again") }';
  const sha256Hash = createHash('sha256').update(query).digest('hex');
  const extensions = { persistedQuery: { version: 1, sha256Hash } };
  const unknown = await server.query({ extensions });
  expect(await unknown.json()).toMatchObject({ errors: [{ message: 'PersistedQueryNotFound' }] });
  const data = { hello: 'Hello again' };
  expect(await (await server.query({ query, extensions })).json()).toEqual({ data });
  expect(await (await server.query({ extensions })).json()).toEqual({ data });
});

test('routes of one schema each have their options', async () => {
  const trustedDocuments = { hello: '{ hello }' };
  const closed = await RouteServer.start(
    graphqlRoute(schema, { trustedDocuments, onlyTrusted: true, playground: false }),
  );
  try {
    expect((await closed.query({ query: '{ hello }' })).status).toBe(400);
    const named = await closed.query({ documentId: 'hello' });
    expect(await named.json()).toEqual({ data: { hello: 'Hello world' } });
    expect((await fetch(closed.url, { headers: { accept: 'text/html' } })).status).toBe(406);
    expect((await server.query({ query: '{ hello }' })).status).toBe(200);
  } finally {
    await closed.stop();
  }
});

test('a large body is taken up to the limit', async () => {
  const body = (length: number) => {
    const empty = JSON.stringify({ query: '{ hello }', extensions: { pad: '' } }).length;
    return { query: '{ hello }', extensions: { pad: 'x'.repeat(length - empty) } };
  };
  expect((await server.query(body(MAX_BODY_BYTES))).status).toBe(200);
  const refused = await server.query(body(MAX_BODY_BYTES + 1));
  expect(refused.status).toBe(413);
  expect(await refused.json()).toMatchObject({
    errors: [{ extensions: { code: 'PAYLOAD_TOO_LARGE' } }],
  });
});

test('a body that is declared too large is answered unread', async () => {
  const request = post(server, { 'content-length': '1000000000' });
  request.flushHeaders();
  expect((await responseTo(request)).statusCode).toBe(413);
  request.destroy();
});

test('a body without end is read no further than the limit', async () => {
  const request = post(server, { 'transfer-encoding': 'chunked' });
  const answered = responseTo(request);
  const chunk = Buffer.alloc(16 * 1024, ' ');
  let status: number | undefined;
  void answered.then(({ statusCode }) => {
    status = statusCode;
  });
  let sent = 0;
  while (status === undefined && sent < 100_000_000) {
    sent += chunk.byteLength;
    if (!request.write(chunk)) await Promise.race([once(request, 'drain'), answered, sleep(100)]);
  }
  expect(status).toBe(413);
  request.destroy();
  // What is in the buffers between the client and the route is read too.
  expect(server.sockets.at(-1)?.bytesRead).toBeGreaterThan(MAX_BODY_BYTES);
  expect(server.sockets.at(-1)?.bytesRead).toBeLessThan(10 * 1024 * 1024);
});

test('a body that breaks off is executed by nobody', async () => {
  const body = JSON.stringify({ query: 'mutation { note(text: "half") }' });
  const request = post(server, { 'content-length': String(body.length + 1) });
  request.write(body);
  await sleep(100);
  request.destroy();
  await sleep(100);
  expect(executed).not.toContain('half');
  expect((await server.query({ query: '{ hello }' })).status).toBe(200);
});

test('a client that goes away cancels its statements', async () => {
  const controller = new AbortController();
  const gone = fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ slow }' }),
    signal: controller.signal,
  }).catch((error: Error) => error.name);
  await eventually(async () => (await database.running('pg_sleep')) === 1, 'it runs');
  controller.abort();
  expect(await gone).toBe('AbortError');
  await eventually(async () => (await database.running('pg_sleep')) === 0, 'it is cancelled');
});

test('a deadline cancels statements too', async () => {
  const log = jest.spyOn(console, 'error').mockImplementation(() => {});
  const response = await wrapped.query({ query: '{ slow }' });
  expect(log).toHaveBeenCalledWith(
    expect.stringContaining('answered 504'),
    expect.objectContaining({ code: 'PUFF_DEADLINE_EXCEEDED' }),
  );
  log.mockRestore();
  expect(response.status).toBe(504);
  await eventually(async () => (await database.running('pg_sleep')) === 0, 'it is cancelled');
  expect((await wrapped.query({ query: '{ number }' })).status).toBe(200);
});

test('large answers come as they are', async () => {
  const name = 'é"\n🏊'.repeat(15_000);
  const query = 'query ($name: String) { hello(name: $name) }';
  const { POST } = graphqlRoute(schema);
  const request = new Request('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { name } }),
  });
  expect(await (await POST(request)).json()).toEqual({ data: { hello: `Hello ${name}` } });
});

function post(to: RouteServer, headers: Record<string, string>): ClientRequest {
  const request = httpRequest(to.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
  });
  request.on('error', () => {}); // the server may close while the body is on its way
  return request;
}

async function responseTo(request: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  await text(response);
  return response;
}
