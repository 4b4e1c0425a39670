import { randomUUID } from 'node:crypto';
import { calls } from '../boundary/calls.js';
import { errorOfThrown } from '../boundary/failures.js';
import type { PuffError } from '../errors.js';
import { loadNative } from '../native.js';
import { contentOf, type PubsubMessage } from './message.js';
import { connectProcesses } from './processes.js';
import { subscribe, unsubscribe } from './subscriptions.js';

/** Messages that wait to be read unless told otherwise. */
const DEFAULT_BUFFER = 1_000;

interface Reader {
  resolve(result: IteratorResult<PubsubMessage>): void;
  reject(error: PuffError): void;
}

/** How a connection behaves. */
export interface ConnectionOptions {
  /**
   * How many messages may wait to be read, default 1,000. When one more comes, the oldest is dropped and
   * {@link PubsubConnection.dropped} counts it: publishers never wait for a slow reader.
   */
  buffer?: number;
  /** Closes the connection when it aborts. */
  signal?: AbortSignal;
  /**
   * Called when messages of other processes may have been missed, because the way to them was broken
   * for a while: whoever must know the present state reads it again.
   */
  onGap?: () => void;
}

/**
 * A listener on any number of channels and patterns, with an id that its own messages carry.
 *
 * It is an async iterator: messages come in the order in which they were published. It ends when it is
 * closed; leaving a `for await` loop closes it. It does not keep the process alive.
 *
 * Reading rejects with `PUFF_PUBSUB_REFUSED`, after what has come, when the server that brings the messages of other
 * processes refuses a channel or a pattern: an ACL of Redis, for example.
 *
 * @example
 * const connection = pubsub.connection();
 * connection.subscribe('news');
 * for await (const message of connection) console.log(message.text);
 */
export class PubsubConnection implements AsyncIterableIterator<PubsubMessage> {
  /** Unique among all processes. */
  readonly id: string = randomUUID();
  readonly #buffer: number;
  readonly #onGap: (() => void) | undefined;
  /** The ids of subscriptions, by channel and by pattern. */
  readonly #channels = new Map<string, number>();
  readonly #patterns = new Map<string, number>();
  readonly #unread: PubsubMessage[] = [];
  readonly #waiting: Reader[] = [];
  /** Why not everything comes that this listens to. */
  #refusal: PuffError | undefined;
  #isClosed = false;
  #dropped = 0;
  /** `onGap` is about to be called. */
  #hasGap = false;

  /** @internal */
  constructor({ buffer = DEFAULT_BUFFER, signal, onGap }: ConnectionOptions = {}) {
    if (!(Number.isSafeInteger(buffer) && buffer > 0)) {
      throw new RangeError(`pubsub: buffer must be a whole number above 0, not ${buffer}.`);
    }
    this.#buffer = buffer;
    this.#onGap = onGap;
    if (signal?.aborted) this.close();
    else signal?.addEventListener('abort', () => this.close(), { once: true });
  }

  /** Messages that were dropped because nobody had read the ones before. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Listens to a channel from now on. */
  subscribe(channel: string): void {
    if (this.#isClosed || this.#channels.has(channel)) return;
    this.#channels.set(channel, subscribe(this, channel, false));
  }

  /** Listens to a channel no more; what has come already can still be read. */
  unsubscribe(channel: string): void {
    const id = this.#channels.get(channel);
    if (id === undefined) return;
    this.#channels.delete(channel);
    unsubscribe(id);
  }

  /**
   * Listens from now on to all channels whose names match a pattern, as with Redis' PSUBSCRIBE: `*` stands for
   * any text, `?` for one byte, `[a-z]`, `[abc]` and `[^abc]` for one of a set, and a backslash takes the next
   * character as it is. {@link PubsubMessage.pattern} tells which pattern has brought a message; one that
   * matches a channel and several patterns of a connection comes once for each.
   */
  subscribePattern(pattern: string): void {
    if (this.#isClosed || this.#patterns.has(pattern)) return;
    this.#patterns.set(pattern, subscribe(this, pattern, true));
  }

  /** Ends {@link PubsubConnection.subscribePattern}; what has come already can still be read. */
  unsubscribePattern(pattern: string): void {
    const id = this.#patterns.get(pattern);
    if (id === undefined) return;
    this.#patterns.delete(pattern);
    unsubscribe(id);
  }

  /**
   * Publishes under this connection's id and returns how many subscribers of this process took it, itself
   * included where it listens.
   *
   * @param value text, bytes, or anything that JSON can hold
   */
  publish(channel: string, value: unknown): number {
    return publish(channel, value, this.id);
  }

  /**
   * Resolves when messages of other processes arrive for all that is listened to at this moment: what they
   * publish from then on is not missed. Those of this process need no waiting.
   *
   * @throws {PuffError} `PUFF_PUBSUB_REFUSED` when the server that brings them refuses a channel or a pattern
   */
  async ready(): Promise<void> {
    const [channels, patterns] = [[...this.#channels.keys()], [...this.#patterns.keys()]];
    await calls().submit((boundary, call) => boundary.pubsubReady(call, channels, patterns));
  }

  /** The next message; undefined once the connection is closed and all was read. */
  async receive(): Promise<PubsubMessage | undefined> {
    const { value, done } = await this.next();
    return done ? undefined : value;
  }

  /** Ends it: nothing more comes, and whoever waits learns it. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const id of this.#channels.values()) unsubscribe(id);
    for (const id of this.#patterns.values()) unsubscribe(id);
    this.#channels.clear();
    this.#patterns.clear();
    for (const reader of this.#waiting.splice(0)) reader.resolve({ value: undefined, done: true });
  }

  /** @internal */
  take(message: PubsubMessage): void {
    if (this.#isClosed) return;
    const reader = this.#waiting.shift();
    if (reader !== undefined) {
      reader.resolve({ value: message, done: false });
      return;
    }
    if (this.#unread.length === this.#buffer) {
      this.#unread.shift();
      this.#dropped++;
    }
    this.#unread.push(message);
  }

  /** @internal */
  gap(): void {
    if (this.#onGap === undefined || this.#hasGap) return;
    // Each subscription is told; its owner is called once.
    this.#hasGap = true;
    queueMicrotask(() => {
      this.#hasGap = false;
      if (!this.#isClosed) this.#onGap?.();
    });
  }

  /** @internal */
  lose(count: number): void {
    this.#dropped += count;
  }

  /** @internal */
  refuse(error: PuffError): void {
    if (this.#isClosed) return;
    this.#refusal = error;
    for (const reader of this.#waiting.splice(0)) reader.reject(error);
  }

  next(): Promise<IteratorResult<PubsubMessage>> {
    const message = this.#unread.shift();
    if (message !== undefined) return Promise.resolve({ value: message, done: false });
    if (this.#isClosed) return Promise.resolve({ value: undefined, done: true });
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<PubsubMessage>> {
    this.close();
    this.#unread.length = 0;
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

/** Publishes a value; see {@link PubsubConnection.publish}. */
export function publish(channel: string, value: unknown, sender?: string): number {
  const { kind, content } = contentOf(value);
  connectProcesses();
  try {
    return loadNative().pubsubPublish(channel, kind, content, sender);
  } catch (error) {
    throw errorOfThrown(error);
  }
}
