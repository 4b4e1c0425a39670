// graphql-ws on ws, with graphql-js and graphql-subscriptions: what the documentation of graphql-ws shows.
import { createServer } from 'node:http';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { PubSub } from 'graphql-subscriptions';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

const pubsub = new PubSub();
const schema = makeExecutableSchema({
  typeDefs: `
    type Query { ok: Boolean! }
    type Score { id: ID! text: String! votes: Int! }
    type Subscription { score: Score! }
  `,
  resolvers: {
    Query: { ok: () => true },
    Subscription: { score: { subscribe: () => pubsub.asyncIterableIterator('score') } },
  },
});

const server = createServer(async (request, response) => {
  if (request.method === 'POST') {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    await pubsub.publish('score', { score: JSON.parse(Buffer.concat(chunks).toString()) });
  }
  response.end('ok');
});
useServer({ schema }, new WebSocketServer({ server, path: '/api/graphql' }));
server.listen(Number(process.env.PORT), '127.0.0.1');
