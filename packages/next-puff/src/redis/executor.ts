import { setTimeout as pause } from 'node:timers/promises';
import { currentContext } from '../context/request-context.js';
import { RedisReplyError } from '../errors.js';
import { redisSettings } from './configuration.js';
import {
  openRedisConnection,
  type RedisArgument,
  type RedisConnection,
  type RedisReply,
} from './connection.js';

/** How a command runs. */
export interface RedisOptions {
  /** Strings come as `Buffer`s. */
  buffers?: boolean;
  /** Rejects at once when it is aborted; a command that was sent still runs, one that blocks is broken off. */
  signal?: AbortSignal;
}

/** Runs commands. */
export interface Executor {
  run(args: readonly RedisArgument[], options?: RedisOptions): Promise<RedisReply>;
  /** Runs a command that may block, where it delays nobody else. */
  runBlocking(args: readonly RedisArgument[], options?: RedisOptions): Promise<RedisReply>;
}

/** Milliseconds before a command that the server could not take for a moment is sent again. */
const PAUSES = [50, 100, 200, 400];

/** How long a server that takes no writes is kept, where no sentinel says which one does. */
const SEARCH_PAUSE_MS = 5_000;

/** Connections for blocking commands that are kept although nobody uses them. */
const MAX_IDLE = 8;

/** A configured client: one connection that all commands share, and more for those that block. */
export class RedisPool implements Executor {
  readonly #name: string;
  #shared: RedisConnection | undefined;
  /** When a server that takes writes was last looked for. */
  #searchedAt = Number.NEGATIVE_INFINITY;
  readonly #idle: RedisConnection[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  get shared(): RedisConnection {
    if (this.#shared === undefined || this.#shared.state === 'end') {
      this.#shared = openRedisConnection(redisSettings(this.#name));
    }
    return this.#shared;
  }

  async run(args: readonly RedisArgument[], options?: RedisOptions): Promise<RedisReply> {
    const scoped = withContext(options);
    for (const delay of PAUSES) {
      const connection = this.shared;
      try {
        return await connection.command(args, scoped);
      } catch (error) {
        if (!this.#mayPass(error, connection)) throw error;
      }
      await pause(delay, undefined, { signal: scoped?.signal });
    }
    return this.shared.command(args, scoped);
  }

  /** Whether the same command may go well a moment later. */
  #mayPass(error: unknown, connection: RedisConnection): boolean {
    if (!(error instanceof RedisReplyError)) return false;
    const { code, reason } = error;
    if (code === 'PUFF_REDIS_READONLY') return this.#leave(connection);
    return (
      code === 'PUFF_REDIS_LOADING' || (code === 'PUFF_REDIS_CLUSTER' && reason !== 'CROSSSLOT')
    );
  }

  /**
   * Leaves a connection to a server that takes no writes: the sentinels know a better one, or the name means another one by
   * now. What is under way on it is answered there. Whether there is another one to try.
   */
  #leave(connection: RedisConnection): boolean {
    if (connection !== this.#shared) return true;
    const { sentinels, url = '' } = redisSettings(this.#name);
    const isNamed = sentinels !== undefined || url.includes('+sentinel:');
    if (!isNamed && performance.now() - this.#searchedAt < SEARCH_PAUSE_MS) return false;
    this.#searchedAt = performance.now();
    this.#shared = undefined;
    const close = (): void => connection.close();
    connection.command(['PING']).then(close, close);
    return true;
  }

  async runBlocking(args: readonly RedisArgument[], options?: RedisOptions): Promise<RedisReply> {
    return this.borrow(
      (connection) => connection.command(args, { ...options, isBlocking: true }),
      options,
    );
  }

  /** Runs a function on a connection of its own; aborting closes it. */
  async borrow<T>(
    run: (connection: RedisConnection) => Promise<T>,
    options?: RedisOptions,
  ): Promise<T> {
    const signal = withContext(options)?.signal;
    signal?.throwIfAborted();
    const connection = this.#idle.pop() ?? openRedisConnection(redisSettings(this.#name));
    const abort = (): void => connection.close();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const result = await run(connection);
      if (connection.state === 'ready' && this.#idle.length < MAX_IDLE) this.#idle.push(connection);
      else connection.close();
      return result;
    } catch (error) {
      connection.close();
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Closes all connections; the next use opens new ones. */
  close(): void {
    this.#shared?.close();
    this.#shared = undefined;
    for (const connection of this.#idle.splice(0)) connection.close();
  }
}

/** The caller's signal and that of its request. */
export function withContext(options: RedisOptions | undefined): RedisOptions | undefined {
  const context = currentContext();
  if (!context?.isActive) return options;
  const signal =
    options?.signal === undefined
      ? context.signal
      : AbortSignal.any([options.signal, context.signal]);
  return { ...options, signal };
}
