import type { NextRequest } from 'next/server.js';
import { graphqlUpgradeOf } from '../graphql/route/socket-upgrade.js';
import type { ServerWebSocket } from './server-web-socket.js';
import type { SocketServer } from './socket-server.js';

/** Parameters of a route, by name; several segments are an array. */
export type SocketParams = Record<string, string | string[] | undefined>;

/** What a handler gets beside the request. */
export interface SocketContext<Params = SocketParams> {
  /** The route's parameters: a promise, as in route handlers, that has them as properties too. */
  params: Promise<Params> & Params;
}

/**
 * Takes WebSockets: what a route file exports as `UPGRADE`.
 *
 * It refuses one by returning (or throwing) a `Response` before it has used the socket.
 */
export type UpgradeHandler<Params = SocketParams> = (
  client: ServerWebSocket,
  server: SocketServer,
  request: NextRequest,
  context: SocketContext<Params>,
) => unknown;

/** The `UPGRADE` of a route's module, if it has one; a GraphQL route has one of its own. */
export function handlerOf(module: object): UpgradeHandler | undefined {
  const { UPGRADE } = module as { UPGRADE?: unknown };
  return typeof UPGRADE === 'function' ? (UPGRADE as UpgradeHandler) : graphqlUpgradeOf(module);
}

/** The parameters as handlers get them. */
export function contextOf(params: SocketParams): SocketContext {
  const promise = Promise.resolve(params) as SocketContext['params'];
  for (const [name, value] of Object.entries(params)) {
    // A promise's own methods stay what they are.
    if (!(name in promise)) Object.defineProperty(promise, name, { value, enumerable: true });
  }
  return { params: promise };
}
