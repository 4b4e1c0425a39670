import type { Server } from 'node:http';
import type { Boundary } from '../../native.js';
import type { ExchangeListener, NativeRequest } from '../native-server.js';
import { type ExchangeEvents, type ExchangeOwner, NodeExchange } from './exchange.js';

/** The exchanges of an isolate that are going on, and who is told what happens to them. */
export class Exchanges implements ExchangeListener, ExchangeOwner {
  readonly boundary: Boundary;
  readonly server: Server;
  readonly #open = new Map<number, ExchangeEvents>();
  readonly #answer: (request: NativeRequest) => void;
  #waitingForIdle: (() => void)[] = [];

  /** @param answer has a request answered; it opens an exchange for it. Must not throw. */
  constructor(boundary: Boundary, server: Server, answer: (request: NativeRequest) => void) {
    this.boundary = boundary;
    this.server = server;
    this.#answer = answer;
  }

  /** Opens an exchange in the shape of `node:http`. */
  open(request: NativeRequest): NodeExchange {
    const exchange = new NodeExchange(this, request);
    this.keep(request.id, exchange);
    return exchange;
  }

  /** Notes who is told what happens to an exchange, until it is forgotten. */
  keep(id: number, exchange: ExchangeEvents): void {
    this.#open.set(id, exchange);
  }

  forget(id: number): void {
    this.#open.delete(id);
    if (this.#open.size > 0) return;
    for (const resolve of this.#waitingForIdle.splice(0)) resolve();
  }

  /** Resolves when no exchange is going on. */
  idle(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waitingForIdle.push(resolve));
  }

  request(request: NativeRequest): void {
    this.#answer(request);
  }

  body(id: number, bytes: Uint8Array): void {
    this.#open.get(id)?.body(bytes);
  }

  bodyEnd(id: number, isCutOff: boolean): void {
    this.#open.get(id)?.bodyEnd(isCutOff);
  }

  closed(id: number): void {
    this.#open.get(id)?.closed();
  }

  drained(id: number): void {
    this.#open.get(id)?.drained();
  }
}
