import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingHttpHeaders, Server } from 'node:http';
import { traceIn } from './trace.cjs';

/** What is told of a request that a server has begun to answer; Node publishes more. */
export interface StartedRequest {
  server: Server;
  request: {
    method?: string | undefined;
    url?: string | undefined;
    headers: IncomingHttpHeaders;
  };
  response: {
    once(event: 'close', listener: () => void): unknown;
    readonly writableFinished: boolean;
  };
}

/**
 * The client that waits for the answer to one HTTP request.
 *
 * It belongs to the request's async context and keeps no reference to the response once that closed.
 */
export class ClientConnection {
  /** The server that the request came to. */
  readonly server: Server;
  readonly method: string;
  /** The URL as the client sent it; later a router may change it in the request. */
  readonly url: string;
  /** `traceparent` that came with the request, or that the server has begun. */
  readonly trace: string | undefined;
  #state: 'waiting' | 'answered' | 'disconnected' = 'waiting';
  #listeners = new Set<() => void>();

  constructor({ server, request, response }: StartedRequest) {
    this.server = server;
    this.method = request.method ?? '';
    this.url = request.url ?? '';
    this.trace = traceIn(request.headers.traceparent);
    response.once('close', () => {
      // 'close' comes after 'finish' when the whole answer was handed to the socket.
      this.#state = response.writableFinished ? 'answered' : 'disconnected';
      const listeners = this.#listeners;
      this.#listeners = new Set();
      if (this.#state === 'disconnected') for (const listener of listeners) listener();
    });
  }

  /**
   * Calls the listener if the client goes away before its answer is complete, at once if it has.
   */
  onDisconnect(listener: () => void): void {
    if (this.#state === 'disconnected') listener();
    else if (this.#state === 'waiting') this.#listeners.add(listener);
  }
}

// Next.js may load this module twice (as ESM and as CommonJS); requests must be seen once.
const KEY = Symbol.for('next-puff.client-connections');
const globals = globalThis as { [KEY]?: AsyncLocalStorage<ClientConnection> };

/**
 * Remembers, from now on, the client of every request to an HTTP server of this process.
 *
 * Next.js gives server actions neither the request nor a signal. Node publishes each request on this
 * channel in the async context that then runs the request listener, so what is entered here is seen
 * by everything that the request causes. Calling it again does nothing.
 */
export function watchClients(): void {
  if (globals[KEY]) return;
  const storage = new AsyncLocalStorage<ClientConnection>();
  globals[KEY] = storage;
  subscribe('http.server.request.start', (message) => {
    storage.enterWith(new ClientConnection(message as StartedRequest));
  });
}

/**
 * Leaves it to the server of this isolate to say which client a request is from, with {@link runForClient}:
 * for a server that is not Node's. To be called before anybody calls {@link watchClients}.
 */
export function expectClients(): void {
  globals[KEY] ??= new AsyncLocalStorage();
}

/** Runs a function, and everything it causes, for the client of a request. */
export function runForClient<T>(started: StartedRequest, run: () => T): T {
  const storage = globals[KEY];
  return storage ? storage.run(new ClientConnection(started), run) : run();
}

/** The client of the request that the calling code belongs to, if one was seen. */
export function currentClient(): ClientConnection | undefined {
  return globals[KEY]?.getStore();
}
