import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as WebStream } from 'node:stream/web';
import type { GraphQLRoute } from 'next-puff/graphql';

/** What a route file exports. */
type Handlers = Pick<GraphQLRoute, 'GET' | 'POST'> & Partial<GraphQLRoute>;

/** Route handlers behind a real HTTP server, called as Next.js calls them. */
export class RouteServer {
  readonly url: string;
  /** The sockets of all requests, in their order. */
  readonly sockets: Socket[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  }

  static async start(route: Handlers): Promise<RouteServer> {
    const server = createServer((incoming, outgoing) => {
      started.sockets.push(incoming.socket);
      answer(route, incoming, outgoing).catch((error: unknown) => {
        if (!outgoing.headersSent) outgoing.writeHead(500);
        outgoing.end(String(error));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const started = new RouteServer(server);
    return started;
  }

  /** Sends an operation with POST and gives what came back. */
  async query(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function answer(
  route: Handlers,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { method = 'GET' } = incoming;
  const controller = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) controller.abort(new Error('the client went away'));
  });
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const request = new Request(`http://${incoming.headers.host}${incoming.url}`, {
    method,
    headers: incoming.headers as Record<string, string>,
    signal: controller.signal,
    ...(hasBody && { body: Readable.toWeb(incoming) as ReadableStream, duplex: 'half' }),
  } as RequestInit);
  const handlers: Record<string, GraphQLRoute['GET']> = { ...route };
  const response = await (handlers[method] ?? route.GET)(request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) outgoing.end();
  // Whoever goes away cancels it, as Next.js does.
  else await pipeline(Readable.fromWeb(response.body as WebStream), outgoing).catch(() => {});
}
