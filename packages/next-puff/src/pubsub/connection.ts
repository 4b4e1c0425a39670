import { randomUUID } from 'node:crypto';
import { calls } from '../boundary/calls.js';
import { errorOfThrown } from '../boundary/failures.js';
import { onMessage, Topic } from '../boundary/messages.js';
import { loadNative } from '../native.js';
import { contentOf, Kind, PubsubMessage } from './message.js';
import { connectProcesses } from './processes.js';

/** Messages that wait to be read unless told otherwise. */
const DEFAULT_BUFFER = 1_000;

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

// One table per isolate, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.pubsub-connections');
const globals = globalThis as {
  [KEY]?: { open: Map<number, PubsubConnection>; lastId: number };
};

function connections(): { open: Map<number, PubsubConnection>; lastId: number } {
  if (globals[KEY] === undefined) {
    globals[KEY] = { open: new Map(), lastId: 0 };
    onMessage(Topic.pubsub, (id, kind, _second, [channel, content, sender]) => {
      if (kind === Kind.gap) {
        globals[KEY]?.open.get(id)?.gap();
        return;
      }
      const message = new PubsubMessage(
        channel as string,
        kind,
        content as string | Uint8Array,
        sender as string | undefined,
      );
      globals[KEY]?.open.get(id)?.take(message);
    });
  }
  return globals[KEY];
}

/**
 * A listener on any number of channels, with an id that its own messages carry.
 *
 * It is an async iterator: messages come in the order in which they were published. It ends when it is
 * closed; leaving a `for await` loop closes it. It does not keep the process alive.
 *
 * @example
 * const connection = pubsub.connection();
 * connection.subscribe('news');
 * for await (const message of connection) console.log(message.text);
 */
export class PubsubConnection implements AsyncIterableIterator<PubsubMessage> {
  /** Unique among all processes. */
  readonly id: string = randomUUID();
  readonly #number: number;
  readonly #buffer: number;
  readonly #onGap: (() => void) | undefined;
  readonly #channels = new Set<string>();
  readonly #unread: PubsubMessage[] = [];
  readonly #waiting: ((result: IteratorResult<PubsubMessage>) => void)[] = [];
  #isClosed = false;
  #dropped = 0;

  /** @internal */
  constructor({ buffer = DEFAULT_BUFFER, signal, onGap }: ConnectionOptions = {}) {
    if (!(Number.isSafeInteger(buffer) && buffer > 0)) {
      throw new RangeError(`pubsub: buffer must be a whole number above 0, not ${buffer}.`);
    }
    this.#buffer = buffer;
    this.#onGap = onGap;
    connectProcesses();
    const all = connections();
    do all.lastId = (all.lastId + 1) >>> 0;
    while (all.open.has(all.lastId));
    this.#number = all.lastId;
    all.open.set(this.#number, this);
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
    this.#channels.add(channel);
    calls().boundary.pubsubSubscribe(this.#number, channel);
  }

  /** Listens to a channel no more; what has come already can still be read. */
  unsubscribe(channel: string): void {
    if (!this.#channels.delete(channel)) return;
    calls().boundary.pubsubUnsubscribe(this.#number, channel);
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
   * Resolves when messages of other processes arrive: what they publish from then on is not missed. Those of
   * this process need no waiting.
   */
  async ready(): Promise<void> {
    await calls().submit((boundary, call) => boundary.pubsubReady(call));
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
    connections().open.delete(this.#number);
    if (this.#channels.size > 0) calls().boundary.pubsubUnsubscribe(this.#number);
    this.#channels.clear();
    for (const resolve of this.#waiting.splice(0)) resolve({ value: undefined, done: true });
  }

  /** @internal */
  take(message: PubsubMessage): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting({ value: message, done: false });
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
    this.#onGap?.();
  }

  next(): Promise<IteratorResult<PubsubMessage>> {
    const message = this.#unread.shift();
    if (message !== undefined) return Promise.resolve({ value: message, done: false });
    if (this.#isClosed) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#waiting.push(resolve));
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
