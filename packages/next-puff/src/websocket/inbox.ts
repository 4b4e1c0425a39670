import type { SocketMessage } from './native-sockets.js';

/** A message and what it costs until it is read. */
interface Waiting {
  message: SocketMessage;
  cost: number;
}

/**
 * The messages of a socket that nobody has taken yet. How many there can be is bounded by the native
 * core, which lets the client wait.
 */
export class Inbox {
  readonly #read: (cost: number) => void;
  #waiting: Waiting[] = [];
  #takers: ((message: SocketMessage | undefined) => void)[] = [];
  #isEnded = false;

  /** @param read is told the cost of what was taken */
  constructor(read: (cost: number) => void) {
    this.#read = read;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Gives a message to whoever waits, or keeps it. */
  put(message: SocketMessage, cost: number): void {
    const taker = this.#takers.shift();
    if (taker === undefined) {
      this.#waiting.push({ message, cost });
      return;
    }
    this.#read(cost);
    taker(message);
  }

  /** The next message that is there. */
  shift(): SocketMessage | undefined {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return undefined;
    this.#read(waiting.cost);
    return waiting.message;
  }

  /** The next message; nothing when there will be none. */
  take(): Promise<SocketMessage | undefined> {
    const message = this.shift();
    if (message !== undefined || this.#isEnded) return Promise.resolve(message);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  /** Forgets what is there. */
  clear(): void {
    while (this.shift() !== undefined);
  }

  /** No message will come any more. */
  end(): void {
    this.#isEnded = true;
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }
}
