import type { Boundary } from '../../native.js';
import { Written } from '../native-server.js';
import type { AnswerHead } from './answer-head.js';

/** Called when something that was written has gone out. */
export type WriteCallback = (error?: Error | null) => void;

/** Bytes that wait in JavaScript before the writer is asked to wait: what Node's sockets have. */
export const HIGH_WATER = 16 * 1024;

/** Bytes of an answer that cross before other work of the isolate gets its turn. */
const TURN_BYTES = 1024 * 1024;

/**
 * Collects the head and the body of one answer and hands them to the native core: what is written in
 * one turn of the event loop crosses at once.
 */
export class AnswerWriter {
  readonly #boundary: Boundary;
  readonly #exchange: number;
  readonly #onSettled: () => void;
  #head: AnswerHead | undefined;
  #chunks: (string | Uint8Array)[] = [];
  #length = 0;
  #callbacks: WriteCallback[] = [];
  /** The client is behind: nothing crosses until {@link AnswerWriter.drained}. */
  #isFull = false;
  #isOver = false;
  /** Bytes (of text: characters) that have crossed since other work had its turn. */
  #crossed = 0;
  #willFlush = false;
  /** While it is set nothing crosses: more is about to be written. */
  isHeld = false;

  /** @param onSettled called in a turn of its own when what was written has gone out */
  constructor(boundary: Boundary, exchange: number, onSettled: () => void) {
    this.#boundary = boundary;
    this.#exchange = exchange;
    this.#onSettled = onSettled;
  }

  /** Bytes (of text: characters) that wait here. */
  get length(): number {
    return this.#length;
  }

  /** Whether a writer should wait for what it has written to go out. */
  get isBehind(): boolean {
    return this.#isFull || this.#length >= HIGH_WATER;
  }

  /** Whether the answer is complete, or was given up. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Keeps the head; it goes out with the next {@link AnswerWriter.flush}. */
  setHead(head: AnswerHead): void {
    this.#head = head;
  }

  /** Adds to the body; `callback` is called when it has gone out. */
  add(chunk: string | Uint8Array, callback: WriteCallback | null | undefined): void {
    if (chunk.length > 0) {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
    }
    if (callback) this.#callbacks.push(callback);
  }

  /** Hands over what has been collected at the end of this turn, with what is added until then. */
  flushSoon(): void {
    if (this.#willFlush) return;
    this.#willFlush = true;
    process.nextTick(() => {
      this.#willFlush = false;
      this.flush();
    });
  }

  /** Hands over what has been collected, unless the client is behind. */
  flush(): void {
    if (this.isHeld || this.#isFull || this.#isOver) return;
    const body = this.#takeBody();
    let written: number = Written.taken;
    if (this.#head !== undefined) written = this.#respond(this.#head, body, false);
    else if (body !== undefined) written = this.#boundary.serverWrite(this.#exchange, body);
    if (written === Written.full) this.#isFull = true;
    else this.#settle();
  }

  /** Hands over the rest: the answer is complete. `trailers` are names and values, divided by NUL. */
  finish(trailers: string | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const body = this.#takeBody();
    if (this.#head !== undefined) {
      this.#respond(this.#head, body, trailers === undefined);
      if (trailers !== undefined) this.#boundary.serverEnd(this.#exchange, trailers);
    } else {
      if (body !== undefined) this.#boundary.serverWrite(this.#exchange, body);
      this.#boundary.serverEnd(this.#exchange, trailers);
    }
    this.#settle();
  }

  /** What was handed over has gone out. */
  drained(): void {
    this.#isFull = false;
    this.flush();
  }

  /** Gives the answer up: the connection is closed. */
  abort(): void {
    if (this.#isOver) return;
    this.discard();
    this.#boundary.serverAbort(this.#exchange);
  }

  /** Nobody waits for the answer any more. */
  discard(): void {
    this.#isOver = true;
    this.#chunks = [];
    this.#length = 0;
    this.#callbacks = [];
  }

  #respond(head: AnswerHead, body: string | Uint8Array | undefined, isEnd: boolean): number {
    this.#head = undefined;
    const { status, reason, fields } = head;
    try {
      return this.#boundary.serverRespond(this.#exchange, status, reason, fields, body, isEnd);
    } catch (error) {
      // A head that the native server does not take: nobody shall wait for another.
      this.discard();
      this.#boundary.serverAbort(this.#exchange);
      throw error;
    }
  }

  #takeBody(): string | Uint8Array | undefined {
    const chunks = this.#chunks;
    if (chunks.length === 0) return undefined;
    this.#chunks = [];
    this.#crossed += this.#length;
    this.#length = 0;
    if (chunks.length === 1) return chunks[0];
    if (chunks.every((chunk) => typeof chunk === 'string')) return chunks.join('');
    const bytes = chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
    return Buffer.concat(bytes);
  }

  #settle(): void {
    const callbacks = this.#callbacks;
    if (callbacks.length > 0) this.#callbacks = [];
    const settle = () => {
      for (const callback of callbacks) callback();
      this.#onSettled();
    };
    // A client that reads as fast as its answer is made would keep the event loop from everything else.
    if (this.#crossed < TURN_BYTES) {
      process.nextTick(settle);
    } else {
      this.#crossed = 0;
      setImmediate(settle);
    }
  }
}
