import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { calls } from '../../boundary/calls.js';
import type { ExchangeListener, NativeRequest } from '../native-server.js';
import { TunnelSocket } from './tunnel-socket.js';

/** Takes connections over, or leaves them; the shape of a listener of Node's event `upgrade`. */
export type UpgradeHandler = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
) => Promise<void>;

const NOTHING = Buffer.alloc(0);

/**
 * Gives connections that ask for another protocol to `upgrade`, and everything else to `listener`.
 *
 * A connection that the handler leaves alone is answered with 404.
 */
export function withTunnels(listener: ExchangeListener, upgrade: UpgradeHandler): ExchangeListener {
  const sockets = new Map<number, TunnelSocket>();

  const open = async (request: NativeRequest) => {
    const socket = new TunnelSocket(calls().boundary, request);
    sockets.set(request.id, socket);
    // Its errors are the client's; without a listener they would end the process.
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(request.id));
    try {
      await upgrade(messageOf(request, socket), socket, NOTHING);
      if (!socket.isTaken) socket.end();
    } catch (error) {
      console.error(error);
      socket.destroy();
    }
  };

  return {
    request: (request) => {
      if (request.isUpgrade) void open(request);
      else listener.request(request);
    },
    body: (id, bytes) => {
      const socket = sockets.get(id);
      if (socket) socket.receive(bytes);
      else listener.body(id, bytes);
    },
    bodyEnd: (id, isCutOff) => {
      const socket = sockets.get(id);
      if (socket) socket.receiveEnd();
      else listener.bodyEnd(id, isCutOff);
    },
    closed: (id) => {
      const socket = sockets.get(id);
      if (socket) socket.disconnect();
      else listener.closed(id);
    },
    drained: (id) => {
      const socket = sockets.get(id);
      if (socket) socket.drained();
      else listener.drained(id);
    },
  };
}

/** The request as Node's server gives it with the event. */
function messageOf(request: NativeRequest, socket: TunnelSocket): IncomingMessage {
  const message = new IncomingMessage(socket as unknown as Socket);
  message.method = request.method;
  message.url = request.url;
  message.httpVersion = request.httpVersion;
  message.httpVersionMajor = 1;
  message.httpVersionMinor = request.httpVersion === '1.0' ? 0 : 1;
  const { rawHeaders } = request;
  message.rawHeaders = rawHeaders;
  const headers: Record<string, string> = Object.create(null);
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const value = rawHeaders[index + 1] as string;
    const former = headers[name];
    const divider = name === 'cookie' ? '; ' : ', ';
    headers[name] = former === undefined ? value : `${former}${divider}${value}`;
  }
  message.headers = headers;
  // It has no body.
  message.complete = true;
  message.push(null);
  return message;
}
