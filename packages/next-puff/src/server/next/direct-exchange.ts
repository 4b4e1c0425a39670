import type { ExchangeEvents } from '../exchange/exchange.js';

/**
 * A request that a route handler answers without the objects of `node:http`. It is a response as far as
 * those who wait for its end are concerned.
 */
export class DirectExchange implements ExchangeEvents {
  readonly #abort: (controller: AbortController) => void;
  readonly #controller = new AbortController();
  #listeners: (() => void)[] = [];
  #isAnswered = false;
  #isClosed = false;

  /** @param abort aborts the request's signal when the client goes away */
  constructor(abort: (controller: AbortController) => void) {
    this.#abort = abort;
  }

  /** Aborts when the client goes away before the answer is complete. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the whole answer was handed over. */
  get writableFinished(): boolean {
    return this.#isAnswered;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Calls the listener when the exchange is over, soon if it is. */
  once(_event: 'close', listener: () => void): this {
    if (this.#isClosed) process.nextTick(listener);
    else this.#listeners.push(listener);
    return this;
  }

  /** The answer is complete. */
  answered(): void {
    this.#isAnswered = true;
    this.#close();
  }

  closed(): void {
    if (this.#isClosed) return;
    this.#abort(this.#controller);
    this.#close();
  }

  // The body has come with the request, and the answer goes out as a whole.
  body(): void {}
  bodyEnd(): void {}
  drained(): void {}

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}
