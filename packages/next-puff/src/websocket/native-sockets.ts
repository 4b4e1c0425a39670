import { calls } from '../boundary/calls.js';
import { onMessage, Topic } from '../boundary/messages.js';
import { type NativeRequest, readRequest } from '../server/native-server.js';

/** What a client may send, and a socket may be sent. */
export type SocketMessage = string | Uint8Array;

/** What became of something that was sent. */
export const Sent = {
  /** The socket is closed or closing. */
  closed: 0,
  /** More may follow. */
  taken: 1,
  /** It was taken; {@link SocketEvents.drained} tells when more should follow. */
  full: 2,
} as const;

/** Takes what happens on one socket. Must not throw. */
export interface SocketEvents {
  /** A message came; {@link readMessages} must tell its cost when it was read. */
  message(message: SocketMessage, cost: number): void;
  /** It has ended, also one that was not accepted yet; `isClean` when both sides have closed it. */
  closed(code: number, reason: string, isClean: boolean): void;
  /** What was sent has gone out. */
  drained(): void;
  /** The answer to a ping. */
  pong(payload: Uint8Array): void;
}

/**
 * Lets this isolate take sockets.
 *
 * @param request has a socket answered, with {@link acceptSocket} or {@link refuseSocket}, and returns
 *   who is told what happens to it. Must not throw.
 * @returns the sockets that have not ended, by id
 */
export function listenForSockets<Events extends SocketEvents>(
  request: (request: NativeRequest) => Events,
): ReadonlyMap<number, Events> {
  const open = new Map<number, Events>();
  onMessage(Topic.socketRequest, (id, route, flags, attachments) => {
    open.set(id, request(readRequest(id, route, flags, attachments)));
  });
  const message = (id: number, cost: number, _: number, [content]: unknown[]) => {
    open.get(id)?.message(content as SocketMessage, cost);
  };
  onMessage(Topic.socketText, message);
  onMessage(Topic.socketBinary, message);
  onMessage(Topic.socketClosed, (id, code, isClean, [reason]) => {
    const events = open.get(id);
    open.delete(id);
    events?.closed(code, reason as string, isClean === 1);
  });
  onMessage(Topic.socketDrained, (id) => open.get(id)?.drained());
  onMessage(Topic.socketPong, (id, _first, _second, [payload]) => {
    open.get(id)?.pong(payload as Uint8Array);
  });
  return open;
}

/**
 * Accepts a socket; false when its client has gone.
 *
 * @param head names and values of further headers, divided by NUL
 * @throws when the client does not offer the subprotocol
 */
export function acceptSocket(id: number, protocol: string | undefined, head: string): boolean {
  return calls().boundary.socketAccept(id, protocol, head);
}

/** Refuses a socket with a response; `head` as in {@link acceptSocket}. */
export function refuseSocket(
  id: number,
  status: number,
  head: string,
  body: string | Uint8Array,
): void {
  calls().boundary.socketRefuse(id, status, head, body);
}

/** Tells that messages which cost so much were read. */
export function readMessages(id: number, cost: number): void {
  calls().boundary.socketRead(id, cost);
}
