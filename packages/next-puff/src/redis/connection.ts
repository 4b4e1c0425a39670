import { calls } from '../boundary/calls.js';
import { errorOfThrown } from '../boundary/failures.js';
import { onMessage, Topic } from '../boundary/messages.js';
import type { RedisClientConfig } from '../config/redis-config.cjs';
import { RedisError, RedisReplyError } from '../errors.js';
import { CommandWriter, type RedisArgument } from './commands.js';
import { nativeOptions } from './native-options.js';
import { type RedisReply, type ReplyListener, ReplyReader } from './replies.js';

export type { RedisArgument, RedisReply };
export { RedisError, RedisReplyError };

/** Where a server is, and how to behave when it is not there. */
export interface RedisSettings extends RedisClientConfig {
  /** 2 or 3. Default 2. */
  protocol?: 2 | 3;
  /** Whether commands wait for a connection at all. Default true. */
  offlineQueue?: boolean;
  /** Whether commands that were under way when a connection broke are sent again on the next one. Default false. */
  resends?: boolean;
  /** Pauses between attempts to connect; the last one repeats. Default 50 to 2,000. */
  retryDelaysMs?: readonly number[];
  /** Attempts after which the connection ends. */
  maxAttempts?: number;
  /** The pause before attempt number `attempt` (from 1), instead; `null` ends the connection. Must not throw. */
  retryDelay?: (attempt: number, error: RedisError) => number | null;
}

export type RedisConnectionState = 'idle' | 'connecting' | 'ready' | 'reconnecting' | 'end';

export interface RedisCommandOptions {
  /** Strings come as `Buffer`s. */
  buffers?: boolean;
  /** Rejects at once; the command may still run. */
  signal?: AbortSignal;
  /** It may wait for as long as it likes: the connection's limit for replies does not hold. */
  isBlocking?: boolean;
}

/**
 * One connection to a server of its own; it reconnects by itself.
 *
 * Commands go out in the order of the calls, those of one turn of the event loop together.
 */
export interface RedisConnection {
  /** Rejects with {@link RedisReplyError} (the server's) or {@link RedisError} (ours). */
  command(args: readonly RedisArgument[], options?: RedisCommandOptions): Promise<RedisReply>;
  /**
   * Sends commands together; one that the server refused is a {@link RedisReplyError} in the list. With `atomic` they run in
   * MULTI and EXEC; `null` where a watched key had changed, and it rejects if the server refused one before EXEC.
   */
  batch(
    commands: readonly (readonly RedisArgument[])[],
    options?: { atomic?: boolean; buffers?: boolean; signal?: AbortSignal },
  ): Promise<RedisReply[] | null>;
  /** Takes what no command asked for: `['message', channel, payload]` and the like, strings as `Buffer`s. */
  onPush(listener: (push: RedisReply[]) => void): void;
  onState(listener: (state: RedisConnectionState, error?: RedisError) => void): void;
  readonly state: RedisConnectionState;
  /** Commands without an answer. */
  readonly waiting: number;
  /** Resolves when it is ready, rejects when an attempt fails. A connection that has ended begins anew. */
  connect(): Promise<void>;
  /** Gives the session up and opens another one. */
  reconnect(): void;
  /** Ends it: what is under way or waits rejects. */
  close(): void;
}

/** Makes a connection; it connects with its first command, or with `connect()`. */
export function openRedisConnection(settings: RedisSettings): RedisConnection {
  return new NativeConnection(settings);
}

/** News of a connection, as `redis.rs` writes it. */
interface StateMessage {
  state: RedisConnectionState;
  error: FailureMessage | null;
  attempt: number;
  /** `null` where we are asked for it. */
  delayMs: number | null;
}

/** An error, as `packed.rs` writes it. */
interface FailureMessage {
  code: string;
  message: string;
  hint?: string;
  systemCode?: string;
}

interface Waiting {
  resolve(reply: RedisReply): void;
  reject(error: unknown): void;
}

const SUBSCRIPTIONS = /^[ps]?(?:un)?subscribe$/i;
const TEXT = 0;
const BYTES = 1;

const reader = new ReplyReader();

// One table per isolate is enough: a bundler's second copy of this module has connections of its own, and ids of `calls()`.
const KEY = Symbol.for('next-puff.redis.connections');
const globals = globalThis as { [KEY]?: Map<number, ReplyListener> };

globals[KEY] ??= new Map();

const listeners: Map<number, ReplyListener> = globals[KEY];

class NativeConnection implements RedisConnection, ReplyListener {
  readonly #options: string;
  readonly #retryDelay: RedisSettings['retryDelay'];
  /** What was sent or is about to be, in order: the head gets the next reply. */
  #queue: (Waiting | undefined)[] = [];
  #head = 0;
  readonly #writer = new CommandWriter();
  #unsent = 0;
  #mode = TEXT;
  #id = 0;
  #state: RedisConnectionState = 'idle';
  #onPush: ((push: RedisReply[]) => void) | undefined;
  readonly #onState: ((state: RedisConnectionState, error?: RedisError) => void)[] = [];
  readonly #flush = (): void => this.#send(-1, true);

  constructor(settings: RedisSettings) {
    this.#retryDelay = settings.retryDelay;
    this.#options = nativeOptions(settings);
  }

  get state(): RedisConnectionState {
    return this.#state;
  }

  get waiting(): number {
    return this.#queue.length - this.#head;
  }

  command(args: readonly RedisArgument[], options?: RedisCommandOptions): Promise<RedisReply> {
    return new Promise((resolve, reject) => {
      const signal = options?.signal;
      if (signal !== undefined) {
        if (signal.aborted) {
          reject(signal.reason);
          return;
        }
        const abort = () => reject(signal.reason);
        signal.addEventListener('abort', abort, { once: true });
        const settle = (then: (value: never) => void) => (value: unknown) => {
          signal.removeEventListener('abort', abort);
          then(value as never);
        };
        this.#add(args, options, settle(resolve), settle(reject));
        return;
      }
      this.#add(args, options, resolve, reject);
    });
  }

  #add(
    args: readonly RedisArgument[],
    options: RedisCommandOptions | undefined,
    resolve: (reply: RedisReply) => void,
    reject: (error: unknown) => void,
  ): void {
    try {
      this.#prepare(options?.buffers === true ? BYTES : TEXT);
      const name = args[0];
      const isSubscription =
        typeof name === 'string' && name.length >= 9 && SUBSCRIPTIONS.test(name);
      const isAlone = isSubscription || options?.isBlocking === true;
      if (isAlone) this.#send(-1, true);
      this.#writer.write(args);
      this.#push({ resolve, reject });
      if (isAlone) this.#send(isSubscription ? args.length - 1 : -1, !options?.isBlocking);
    } catch (error) {
      reject(error);
    }
  }

  async batch(
    commands: readonly (readonly RedisArgument[])[],
    options: { atomic?: boolean; buffers?: boolean; signal?: AbortSignal } = {},
  ): Promise<RedisReply[] | null> {
    const { atomic = false, buffers = false, signal } = options;
    signal?.throwIfAborted();
    if (commands.length === 0) return [];
    const all = atomic ? [['MULTI'], ...commands, ['EXEC']] : commands;
    const replies = await new Promise<RedisReply[]>((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      const got: RedisReply[] = [];
      const collect: Waiting = {
        resolve: (reply) => {
          if (got.push(reply) === all.length) resolve(got);
        },
        reject: (error) => {
          if (!(error instanceof RedisReplyError)) reject(error);
          else if (got.push(error) === all.length) resolve(got);
        },
      };
      this.#prepare(buffers ? BYTES : TEXT);
      const { length } = this.#writer;
      try {
        for (const args of all) this.#writer.write(args);
      } catch (error) {
        // All or nothing: a transaction must not be cut off.
        this.#writer.length = length;
        throw error;
      }
      for (let left = all.length; left > 0; left--) this.#push(collect);
    });
    if (!atomic) return replies;
    const outcome = replies.at(-1);
    if (Array.isArray(outcome)) return outcome;
    if (outcome === null) return null;
    throw replies.find((reply) => reply instanceof RedisReplyError) ?? outcome;
  }

  onPush(listener: (push: RedisReply[]) => void): void {
    this.#onPush = listener;
  }

  onState(listener: (state: RedisConnectionState, error?: RedisError) => void): void {
    this.#onState.push(listener);
  }

  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#state === 'ready') {
        resolve();
        return;
      }
      const listener = (state: RedisConnectionState, error?: RedisError): void => {
        if (state === 'connecting') return;
        this.#onState.splice(this.#onState.indexOf(listener), 1);
        calls().unhold();
        if (state === 'ready') resolve();
        else reject(error ?? ended());
      };
      try {
        this.#open();
      } catch (error) {
        reject(error);
        return;
      }
      calls().hold();
      this.#onState.push(listener);
      calls().boundary.redisConnect(this.#id);
    });
  }

  reconnect(): void {
    if (this.#id !== 0) calls().boundary.redisReconnect(this.#id);
  }

  close(): void {
    if (this.#id === 0) {
      this.#become('end');
      return;
    }
    this.#send(-1, true);
    calls().boundary.redisClose(this.#id);
  }

  /** Makes the native connection, at the first use or after the end of the last one. */
  #open(): void {
    if (this.#id !== 0) return;
    const id = calls().listen(ignore);
    try {
      calls().boundary.redisOpen(id, this.#options);
    } catch (error) {
      calls().unlisten(id);
      throw errorOfThrown(error);
    }
    this.#id = id;
    listeners.set(id, this);
  }

  /** Commands of one batch have one mode. */
  #prepare(mode: number): void {
    if (this.#state === 'end') throw ended();
    if (mode === this.#mode) return;
    this.#send(-1, true);
    this.#mode = mode;
  }

  #push(waiting: Waiting): void {
    if (this.#queue.length === this.#head) calls().hold();
    this.#queue.push(waiting);
    if (this.#unsent++ === 0) process.nextTick(this.#flush);
  }

  #send(confirmations: number, hasTimeout: boolean): void {
    const commands = this.#unsent;
    if (commands === 0) return;
    this.#unsent = 0;
    const { bytes, length } = this.#writer;
    let failure: string | null;
    try {
      this.#open();
      failure = calls().boundary.redisSend(
        this.#id,
        bytes,
        length,
        commands,
        this.#mode,
        confirmations,
        hasTimeout,
      );
    } catch (error) {
      this.#writer.clear();
      this.#reject(commands, errorOfThrown(error));
      return;
    }
    this.#writer.clear();
    if (failure !== null) this.#reject(commands, errorOf(failure));
  }

  /** The newest commands were not sent. */
  #reject(commands: number, error: unknown): void {
    const refused = this.#queue.splice(this.#queue.length - commands, commands);
    if (this.#queue.length === this.#head) calls().unhold();
    for (const waiting of refused) waiting?.reject(error);
  }

  #take(): Waiting | undefined {
    const queue = this.#queue;
    const waiting = queue[this.#head];
    queue[this.#head++] = undefined;
    if (this.#head === queue.length) {
      queue.length = 0;
      this.#head = 0;
      calls().unhold();
    } else if (this.#head >= 4096) {
      queue.splice(0, this.#head);
      this.#head = 0;
    }
    return waiting;
  }

  reply(reply: RedisReply): void {
    const waiting = this.#take();
    if (reply instanceof RedisReplyError) waiting?.reject(reply);
    else waiting?.resolve(reply);
  }

  failure(json: string, commands: number): void {
    const error = errorOf(json);
    for (let left = commands; left > 0; left--) this.#take()?.reject(error);
  }

  push(push: RedisReply[]): void {
    guarded(() => this.#onPush?.(push));
  }

  news(json: string): void {
    const change: StateMessage = JSON.parse(json);
    const error = change.error === null ? undefined : redisError(change.error);
    if (change.state === 'end') {
      listeners.delete(this.#id);
      calls().unlisten(this.#id);
      calls().boundary.redisClose(this.#id);
      this.#id = 0;
    }
    this.#become(change.state, error);
    if (change.state === 'reconnecting' && change.delayMs === null && this.#retryDelay) {
      let delay: number | null = null;
      guarded(() => {
        delay = this.#retryDelay?.(change.attempt, error as RedisError) ?? null;
      });
      calls().boundary.redisRetry(this.#id, delay ?? -1);
    }
  }

  #become(state: RedisConnectionState, error?: RedisError): void {
    this.#state = state;
    for (const listener of [...this.#onState]) guarded(() => listener(state, error));
  }
}

function redisError({ code, message, hint, systemCode }: FailureMessage): RedisError {
  return new RedisError(code, message, { hint, systemCode });
}

function errorOf(json: string): RedisError {
  return redisError(JSON.parse(json));
}

function ended(): RedisError {
  return new RedisError('PUFF_REDIS_CLOSED', 'The connection to Redis is closed.');
}

/** A listener's error is nobody's but the process's; the reader must go on. */
function guarded(run: () => void): void {
  try {
    run();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}

function ignore(): void {
  // Only the id is of use.
}

onMessage(Topic.redis, (id, events, at, attachments) => {
  const listener = listeners.get(id);
  const [words, text, bytes] = attachments as [Int32Array, string, Uint8Array | undefined];
  if (listener !== undefined) reader.read(events, at, words, text, bytes, listener);
});
