import { AsyncLocalStorage } from 'node:async_hooks';
import type { NextRequest } from 'next/server.js';
import { RequestContext, runInContext } from '../context/request-context.js';
import { traceIn } from '../context/trace.cjs';
import { ClientDisconnectedError } from '../errors.js';
import type { NativeRequest } from '../server/native-server.js';
import { contextOf } from './handler.js';
import { packHeaders } from './headers.js';
import { refuseSocket, type SocketEvents, type SocketMessage } from './native-sockets.js';
import type { NextScope } from './next-scope.js';
import { ServerWebSocket } from './server-web-socket.js';
import { socketRequest } from './socket-request.js';
import type { SocketRoute, SocketRoutes } from './socket-routes.js';
import type { SocketServer } from './socket-server.js';

/** What the sockets of an isolate have in common. */
export interface SocketRunHost {
  readonly server: SocketServer;
  readonly routes: SocketRoutes;
  readonly scope: NextScope;
  /** Where the app is if a client names no host, for example `localhost:3000`. */
  readonly origin: string;
}

/** Headers that belong to a connection, and are not the handler's to send. */
const CONNECTION_HEADERS = ['connection', 'content-length', 'transfer-encoding', 'upgrade'];

/** One socket, from its handshake to its end. */
export class SocketRun implements SocketEvents {
  readonly #id: number;
  readonly #host: SocketRunHost;
  /** Nothing before it was found. */
  #route: SocketRoute | undefined;
  #socket: ServerWebSocket | undefined;
  #context: RequestContext | undefined;
  #isOver = false;

  constructor(id: number, host: SocketRunHost) {
    this.#id = id;
    this.#host = host;
  }

  /** Its route, once that was found. */
  get route(): SocketRoute | undefined {
    return this.#route;
  }

  /** Closes it, for its client to connect again. */
  restart(): void {
    if (this.#socket?.isAnswered) this.#socket.close(1012, 'The handler was replaced');
  }

  /** Finds the handler and runs it. It does not throw. */
  async start(native: NativeRequest): Promise<void> {
    let route: SocketRoute | undefined;
    try {
      route = await this.#host.routes.find(native.url);
    } catch (error) {
      console.error(
        `next-puff: the route of a WebSocket to ${native.url} cannot be loaded:`,
        error,
      );
      return this.#refuse(500, 'Internal Server Error\n');
    }
    if (route === undefined) return this.#refuse(404, 'Nothing accepts WebSockets here.\n');
    if (this.#isOver) return;
    const { origin, routes } = this.#host;
    await this.#run(route, socketRequest(native, origin, routes.urlConfig));
  }

  message(message: SocketMessage, cost: number): void {
    this.#socket?.received(message, cost);
  }

  drained(): void {
    this.#socket?.wentOut();
  }

  pong(payload: Uint8Array): void {
    this.#socket?.ponged(payload);
  }

  closed(code: number, reason: string, isClean: boolean): void {
    this.#isOver = true;
    const socket = this.#socket;
    const context = this.#context;
    if (socket === undefined || context === undefined) return;
    const what = `The client of ${context.name} went away.`;
    context.abort(new ClientDisconnectedError(what, { operation: context.kind }));
    // Listeners of the end may still do what the signal would forbid.
    context.deactivate();
    this.#host.server.remove(socket);
    socket.ended(code, reason, isClean);
    void context.settle('success');
  }

  async #run(route: SocketRoute, request: NextRequest): Promise<void> {
    const { server, scope } = this.#host;
    const { pathname, handler, params } = route;
    const name = `UPGRADE ${pathname}`;
    const offered = request.headers.get('sec-websocket-protocol')?.split(',') ?? [];
    const socket = new ServerWebSocket({
      id: this.#id,
      name,
      protocols: offered.map((protocol) => protocol.trim()),
      onAccepted: () => {
        server.add(socket);
        server.emit('connection', socket, request);
      },
    });
    this.#route = route;
    this.#socket = socket;
    this.#context = new RequestContext({
      kind: 'socket',
      name,
      deadlineMs: 0,
      transaction: false,
      trace: traceIn(request.headers.get('traceparent')),
    });
    try {
      const result = await runInContext(this.#context, () => {
        socket.runIn(AsyncLocalStorage.snapshot());
        // Inside of what the listeners run in: Next.js knows a handshake, and no socket.
        return scope(request, pathname, () => handler(socket, server, request, contextOf(params)));
      });
      if (result instanceof Response) return await this.#answer(result, name);
      if (!socket.isAnswered && !this.#isOver) socket.accept();
    } catch (error) {
      if (error instanceof Response) return await this.#answer(error, name);
      socket.fail(error);
      if (!socket.isAnswered) this.#refuse(500, 'Internal Server Error\n');
    } finally {
      socket.settled();
    }
  }

  /** Refuses with a handler's response. */
  async #answer(response: Response, name: string): Promise<void> {
    if (this.#socket?.isAnswered) {
      console.warn(
        `next-puff: ${name} returned a Response after it had used the socket, which accepts it; the Response was not sent.`,
      );
      return;
    }
    const body = new Uint8Array(await response.arrayBuffer());
    const headers = new Headers(response.headers);
    for (const header of CONNECTION_HEADERS) headers.delete(header);
    this.#refuse(response.status, body, packHeaders(headers));
  }

  #refuse(status: number, body: string | Uint8Array, head = TEXT): void {
    this.#socket?.refused();
    if (!this.#isOver) refuseSocket(this.#id, status, head, body);
    this.#isOver = true;
  }
}

const TEXT = packHeaders(new Headers({ 'content-type': 'text/plain; charset=utf-8' }));
