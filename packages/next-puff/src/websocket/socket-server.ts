import { EventEmitter } from 'node:events';
import type { NextRequest } from 'next/server.js';
import type { ServerWebSocket } from './server-web-socket.js';

/**
 * The accepted sockets of this isolate, in the shape of `ws`'s server.
 *
 * With several workers each has its own: what all clients are to get is published on a channel.
 */
export class SocketServer extends EventEmitter<{
  connection: [socket: ServerWebSocket, request: NextRequest];
}> {
  /** Those that have not ended, of all routes. */
  readonly clients: ReadonlySet<ServerWebSocket> = new Set();

  /** @internal */
  add(socket: ServerWebSocket): void {
    (this.clients as Set<ServerWebSocket>).add(socket);
  }

  /** @internal */
  remove(socket: ServerWebSocket): void {
    (this.clients as Set<ServerWebSocket>).delete(socket);
  }
}
