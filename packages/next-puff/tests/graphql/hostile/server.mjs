// The server that the hostile requests are sent to: a process of its own, because some of them would
// end a process that is not careful. Prints its port, then serves until it is killed.
import { createServer } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { defineSchema, graphqlRoute, layer, sql } from 'next-puff/graphql';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

const typeDefs = /* GraphQL */ `
  type Query {
    items(first: Int = 10): [Item!]!
    item(id: Int!): Item
    echo(text: String, number: Float, nested: Nested, list: [Int]): String
    slow(seconds: Float!): Float
    slowInJavaScript: String
    root: Node
  }
  type Mutation { slowWrite(seconds: Float!): Float }
  type Item { id: Int!  title: String!  parent: Item  children: [Item!]! }
  "Resolved by JavaScript, without end."
  type Node { name: String  self: Node  twins: [Node!]!  later: Node }
  input Nested { value: Int  inner: Nested  list: [Nested!] }
`;

const node = { name: 'node', self: () => node, twins: () => [node, node], later: async () => node };

// Without limits the engine itself has to hold.
const limits =
  process.env.LIMITS === 'none'
    ? { depth: 0, aliases: 0, rootFields: 0, cost: 0, pageSize: 0, tokens: 0 }
    : {};

const schema = defineSchema({
  typeDefs,
  introspection: true,
  layers: {
    Query: {
      items: layer.static(
        ({ args }) => sql`select id, title, parent_id from item order by id limit ${args.first}`,
      ),
      item: layer.static(
        ({ args }) => sql`select id, title, parent_id from item where id = ${args.id}`,
      ),
      slow: layer.static(({ args }) => sql`select pg_sleep(${args.seconds}) is null, 1.5 as slow`, {
        value: 'slow',
      }),
    },
    Mutation: {
      slowWrite: layer.static(
        ({ args }) => sql`select pg_sleep(${args.seconds}) is null, 1.5 as slow`,
        { value: 'slow' },
      ),
    },
    Item: {
      parent: layer.static(
        ({ parents }) =>
          sql`select id, title, parent_id from item where id = any(${parents.parent_id})`,
        { on: { parent_id: 'id' } },
      ),
      children: layer.static(
        ({ parents }) =>
          sql`select id, title, parent_id from item where parent_id = any(${parents.id}) order by id`,
        { on: { id: 'parent_id' } },
      ),
    },
  },
  resolvers: {
    Query: {
      echo: (_, args) => JSON.stringify(args),
      slowInJavaScript: () => new Promise((resolve) => setTimeout(resolve, 60_000, 'late').unref()),
      root: () => node,
    },
  },
  limits: { ...limits, timeoutMs: Number(process.env.TIMEOUT_MS ?? 30_000) },
});

const route = graphqlRoute(schema, process.env.LIMITS === 'none' ? { maxBodyBytes: 64 << 20 } : {});

const server = createServer((incoming, outgoing) => {
  if (incoming.url === '/memory') {
    collectGarbage();
    collectGarbage();
    outgoing.end(JSON.stringify(process.memoryUsage()));
    return;
  }
  answer(incoming, outgoing).catch((error) => {
    if (!outgoing.headersSent) outgoing.writeHead(500);
    outgoing.end(String(error));
  });
});

async function answer(incoming, outgoing) {
  const controller = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) controller.abort(new Error('the client went away'));
  });
  const hasBody = incoming.method === 'POST';
  const bytes = new PassThrough();
  // Who stops reading can still answer: what is left of the body is thrown away.
  const skipRest = () => incoming.unpipe(bytes).resume();
  bytes.once('close', skipRest);
  bytes.on('error', () => {});
  if (hasBody) incoming.pipe(bytes);
  incoming.once(
    'close',
    () => incoming.complete || bytes.destroy(new Error('the body ended early')),
  );
  const request = new Request(`http://${incoming.headers.host}${incoming.url}`, {
    method: incoming.method,
    headers: incoming.headers,
    signal: controller.signal,
    ...(hasBody && { body: Readable.toWeb(bytes), duplex: 'half' }),
  });
  const response = await (hasBody ? route.POST : route.GET)(request);
  // A refused body is read to its end here, so that the client surely sees the answer.
  response.headers.delete('connection');
  skipRest();
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(new Uint8Array(await response.arrayBuffer()));
}

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
