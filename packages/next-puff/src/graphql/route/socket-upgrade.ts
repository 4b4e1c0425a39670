import { calls } from '../../boundary/calls.js';
import type { UpgradeHandler } from '../../websocket/handler.js';
import { packHeaders } from '../../websocket/headers.js';
import { ServerWebSocket } from '../../websocket/server-web-socket.js';
import { socketEndpointOf } from './native-route.js';
import type { RouteEndpoint } from './route-endpoint.js';

/** The subprotocol of GraphQL over WebSocket. */
const PROTOCOL = 'graphql-transport-ws';

const OTHER_PROTOCOL = `This is a GraphQL endpoint: connect with the subprotocol ${PROTOCOL}.\n`;

/** One per endpoint: whoever compares handlers sees when a file was compiled again. */
const handlers = new WeakMap<object, UpgradeHandler>();

/**
 * What takes the WebSockets of a route file whose handlers `graphqlRoute()` has made, where the native
 * server does not know the route; nothing for any other file.
 */
export function graphqlUpgradeOf(module: object): UpgradeHandler | undefined {
  const endpoint = socketEndpointOf(module as Readonly<Record<string, unknown>>);
  if (endpoint === undefined) return undefined;
  let handler = handlers.get(endpoint);
  if (handler === undefined) {
    handler = upgradeTo(endpoint);
    handlers.set(endpoint, handler);
  }
  return handler;
}

function upgradeTo(endpoint: RouteEndpoint<unknown>): UpgradeHandler {
  return async (socket, _server, request) => {
    if (!socket.protocols.includes(PROTOCOL)) return new Response(OTHER_PROTOCOL, { status: 400 });
    const { schema, listener } = await endpoint.native();
    const { pathname, search } = new URL(request.url);
    const headers = packHeaders(request.headers);
    const id = ServerWebSocket.idOf(socket);
    calls().boundary.socketSpeakGraphql(id, schema, listener, pathname + search, headers);
    socket.accept({ protocol: PROTOCOL });
    return undefined;
  };
}
