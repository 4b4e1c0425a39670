import type { ServerWebSocket } from './server-web-socket.js';

/** An event of a socket, as listeners of `addEventListener` get it. */
export interface SocketEvent {
  readonly type: string;
  readonly target: ServerWebSocket;
}

/** A message came. */
export interface SocketMessageEvent extends SocketEvent {
  readonly type: 'message';
  /** A string if it is a text, else as `binaryType` says. */
  readonly data: string | Buffer | ArrayBuffer;
}

/** The socket has ended. */
export interface SocketCloseEvent extends SocketEvent {
  readonly type: 'close';
  readonly code: number;
  readonly reason: string;
  /** Whether both sides have closed it. */
  readonly wasClean: boolean;
}

/** The events of the WHATWG's WebSocket that a server's socket has. */
export interface SocketEventMap {
  message: SocketMessageEvent;
  close: SocketCloseEvent;
}

/** A listener, or an object with one. */
export type SocketEventListener<Event> =
  | ((event: Event) => unknown)
  | { handleEvent(event: Event): unknown };

type AnyListener = SocketEventListener<never>;

interface Registered {
  type: string;
  listener: AnyListener;
  unregister: () => void;
}

/** The listeners of a socket that were registered with `addEventListener`. */
export class WebEventListeners {
  readonly #socket: ServerWebSocket;
  readonly #registered: Registered[] = [];

  constructor(socket: ServerWebSocket) {
    this.#socket = socket;
  }

  /** Registers a listener; one that is registered already is left as it is. */
  add(type: keyof SocketEventMap, listener: AnyListener, isOnce: boolean): void {
    if (this.#find(type, listener) >= 0) return;
    const call = (event: SocketEvent) => {
      if (isOnce) this.remove(type, listener);
      const target = this.#socket;
      if (typeof listener !== 'function') return listener.handleEvent(event as never);
      return (listener as (this: ServerWebSocket, event: SocketEvent) => unknown).call(
        target,
        event,
      );
    };
    const target = this.#socket;
    if (type === 'message') {
      const emitted = (data: string | Buffer | ArrayBuffer) =>
        call({ type, target, data } as SocketMessageEvent);
      this.#registered.push({ type, listener, unregister: () => target.off(type, emitted) });
      target.on(type, emitted);
    } else if (type === 'close') {
      const emitted = (code: number, reason: string) =>
        call({ type, target, code, reason, wasClean: target.isClean } as SocketCloseEvent);
      this.#registered.push({ type, listener, unregister: () => target.off(type, emitted) });
      target.on(type, emitted);
    }
  }

  remove(type: keyof SocketEventMap, listener: AnyListener): void {
    const index = this.#find(type, listener);
    if (index >= 0) this.#registered.splice(index, 1)[0]?.unregister();
  }

  #find(type: string, listener: AnyListener): number {
    return this.#registered.findIndex((one) => one.type === type && one.listener === listener);
  }
}
