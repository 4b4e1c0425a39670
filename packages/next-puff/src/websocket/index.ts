export type { SocketContext, SocketParams, UpgradeHandler } from './handler.js';
export {
  type AcceptOptions,
  type ChannelOptions,
  type Sendable,
  type SendOptions,
  ServerWebSocket,
  type ServerWebSocketEvents,
} from './server-web-socket.js';
export { SocketServer } from './socket-server.js';
export { upgradeRequired } from './upgrade-required.js';
export type {
  SocketCloseEvent,
  SocketEvent,
  SocketEventListener,
  SocketEventMap,
  SocketMessageEvent,
} from './web-events.js';
