import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { GraphQLScalarType } from 'graphql';
import {
  connection,
  defineSchema,
  type GraphQLRouteOptions,
  graphqlRoute,
  layer,
  type PuffSchema,
  sql,
} from 'next-puff/graphql';
import { testServer } from '../../postgres/support/server';
import { RouteServer } from './route-server';

testServer();

const MAX_BODY_BYTES = 1_000;
const { NODE_ENV } = process.env;
const env = process.env as Record<string, string | undefined>;

const schema = defineSchema({
  typeDefs: 'type Query { number: Int }',
  layers: { Query: { number: layer.static(() => sql`select 7 as number`) } },
});

let server: RouteServer;
/** How many requests came to the route. */
let routed = 0;

beforeEach(async () => {
  env.NODE_ENV = 'production';
  const { GET, POST } = graphqlRoute(schema, { shortcut: true, maxBodyBytes: MAX_BODY_BYTES });
  const counted = (handler: typeof POST) => (request: Request) => {
    routed++;
    return handler(request);
  };
  server = await RouteServer.start({ GET: counted(GET), POST: counted(POST) });
  routed = 0;
});
afterEach(async () => {
  env.NODE_ENV = NODE_ENV;
  await server.stop();
});

const ask = async () => (await server.query({ query: '{ number }' })).json();

test('only the first request of a method comes to the route', async () => {
  for (let count = 0; count < 3; count++) expect(await ask()).toEqual({ data: { number: 7 } });
  expect(routed).toBe(1);
  const get = () => fetch(`${server.url}?query=%7Bnumber%7D`);
  for (let count = 0; count < 3; count++) expect((await get()).status).toBe(200);
  expect(routed).toBe(2);
});

test('in development every request comes to the route', async () => {
  env.NODE_ENV = 'development';
  for (let count = 0; count < 3; count++) expect(await ask()).toEqual({ data: { number: 7 } });
  expect(routed).toBe(3);
});

test('a connection is kept, unless a body was refused', async () => {
  await ask();
  const keep = await server.query({ query: '{ number }' });
  expect(keep.headers.get('connection')).toBe('keep-alive');
  const large = await server.query({ query: ' '.repeat(MAX_BODY_BYTES) });
  expect([large.status, large.headers.get('connection')]).toEqual([413, 'close']);
  expect(await ask()).toEqual({ data: { number: 7 } });
  expect(routed).toBe(1);
});

test.each([
  ['declared', { 'content-length': '1000000000' }],
  ['without end', { 'transfer-encoding': 'chunked' }],
])('a body that is too large is answered before its end: %s', async (_name, headers) => {
  await ask();
  const request = httpRequest(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
  });
  request.on('error', () => {});
  request.write(' '.repeat(2 * MAX_BODY_BYTES));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(413);
  expect(await json(response)).toMatchObject({
    errors: [{ extensions: { code: 'PAYLOAD_TOO_LARGE' } }],
  });
  request.destroy();
  expect(routed).toBe(1);
});

test('other requests reach all listeners of the server, as before', async () => {
  const { POST } = graphqlRoute(schema, { shortcut: true });
  const calls: [string, unknown][] = [];
  const own: Server = createServer();
  own.on('request', function (this: unknown, { url }) {
    calls.push([`first ${url}`, this]);
  });
  own.on('request', async function (this: unknown, { url }, outgoing) {
    calls.push([`second ${url}`, this]);
    const body = JSON.stringify({ query: '{ number }' });
    const headers = { 'content-type': 'application/json' };
    const made = new Request('http://localhost/open', { method: 'POST', headers, body });
    const response = await POST(made);
    outgoing.end(url === '/open' ? await response.text() : 'other');
  });
  await once(own.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = own.address() as AddressInfo;
    const send = async (path: string) =>
      (
        await fetch(`http://127.0.0.1:${port}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query: '{ number }' }),
        })
      ).text();
    expect(await send('/open')).toBe('{"data":{"number":7}}');
    expect(await send('/open')).toBe('{"data":{"number":7}}');
    expect(await send('/open?x')).toBe('{"data":{"number":7}}');
    // Its listener asks the route too, with a request that it makes.
    expect(await send('/other')).toBe('other');
    expect(await send('/other')).toBe('other');
    const others = ['first /other', 'second /other'];
    const seen = ['first /open', 'second /open', ...others, ...others];
    expect(calls).toEqual(seen.map((call) => [call, own]));
  } finally {
    own.closeAllConnections();
    own.close();
  }
});

const number = layer.static(() => sql`select 7 as number`);
const typeDefs = 'type Query { number: Int }';
const routeOf =
  <Context>(made: PuffSchema<Context>) =>
  (options: GraphQLRouteOptions) =>
    graphqlRoute(made, options);

const refused: [string, (options: GraphQLRouteOptions) => unknown, RegExp][] = [
  [
    'a resolver',
    routeOf(defineSchema({ typeDefs, resolvers: { Query: { number: () => 7 } } })),
    /Query\.number has a resolver/,
  ],
  [
    'a layer',
    routeOf(defineSchema({ typeDefs, layers: { Query: { number: layer(() => [7]) } } })),
    /Query\.number is a layer that is not static/,
  ],
  ['a field without a layer', routeOf(defineSchema({ typeDefs })), /Query\.number has no layer/],
  [
    'settings',
    routeOf(defineSchema({ typeDefs, layers: { Query: { number } }, settings: () => ({}) })),
    /has `settings`/,
  ],
  [
    'a value of the context',
    routeOf(
      defineSchema<{ id: number }>({
        typeDefs,
        context: () => ({ id: 1 }),
        layers: {
          Query: {
            number: layer.static(({ context }) => sql`select ${context.id}::int as number`),
          },
        },
      }),
    ),
    /Query\.number uses `context`/,
  ],
  [
    'a scalar with a serializer',
    routeOf(
      defineSchema({
        typeDefs: 'scalar Day type Query { event: Event } type Event { day: Day }',
        scalars: { Day: new GraphQLScalarType({ name: 'Day', serialize: (day) => String(day) }) },
        layers: { Query: { event: layer.static(() => sql`select now() as day`) } },
      }),
    ),
    /Event\.day has a resolver, or a scalar with its own `serialize`/,
  ],
  [
    'a connection with a value of the context',
    routeOf(
      defineSchema<{ owner: number }>({
        typeDefs: `
          type Query { items(first: Int, after: String): Items! }
          type Items { edges: [ItemEdge!]! pageInfo: PageInfo! }
          type ItemEdge { cursor: String! node: Item! }
          type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
          type Item { id: Int! }
        `,
        context: () => ({ owner: 1 }),
        layers: {
          Query: {
            items: connection({
              rows: ({ context }) => sql`select id from item where owner = ${context.owner}`,
              orderBy: ['id'],
            }),
          },
        },
      }),
    ),
    /Query\.items uses `context`/,
  ],
];

test.each(refused)('a schema that needs JavaScript is refused: %s', (_name, make, message) => {
  expect(() => make({})).not.toThrow();
  expect(() => make({ shortcut: true })).toThrow(message);
  expect(() => make({ shortcut: true })).toThrow(
    expect.objectContaining({ code: 'PUFF_GRAPHQL_ROUTE' }),
  );
});
