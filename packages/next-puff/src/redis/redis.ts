import { createHash } from 'node:crypto';
import { RedisReplyError } from '../errors.js';
import { DEFAULT_CLIENT } from './configuration.js';
import type { RedisArgument, RedisConnection, RedisReply } from './connection.js';
import { type Executor, type RedisOptions, RedisPool, withContext } from './executor.js';
import { TypedCommands } from './typed-commands.js';

/** Commands that are collected and sent together. */
export class RedisPipeline {
  readonly #send: (
    commands: RedisArgument[][],
    options?: RedisOptions,
  ) => Promise<RedisReply[] | null>;
  readonly #commands: RedisArgument[][] = [];

  /** Made by {@link Redis.pipeline} and {@link Redis.multi}. */
  constructor(
    send: (commands: RedisArgument[][], options?: RedisOptions) => Promise<RedisReply[] | null>,
  ) {
    this.#send = send;
  }

  /** Adds a command. */
  command(...args: RedisArgument[]): this {
    this.#commands.push(args);
    return this;
  }

  /** Sends what was added; one that the server refused is a {@link RedisReplyError} in the list. */
  async exec(options?: RedisOptions): Promise<RedisReply[]> {
    return (await this.#send(this.#commands.splice(0), withContext(options))) ?? [];
  }
}

/** A Lua script; the server is sent its text only where it does not know it. */
export type RedisScript = (
  keys: readonly RedisArgument[],
  args?: readonly RedisArgument[],
  options?: RedisOptions,
) => Promise<RedisReply>;

/** A transaction on a connection of its own: read what it depends on, then let it run. */
export class RedisTransaction extends TypedCommands {
  readonly #connection: RedisConnection;

  /** Made by {@link Redis.transaction}. */
  constructor(connection: RedisConnection) {
    super(executorOf(connection));
    this.#connection = connection;
  }

  /** From now on, {@link exec} does nothing if one of the keys is changed by anybody. */
  async watch(...keys: RedisArgument[]): Promise<void> {
    await this.command(['WATCH', ...keys]);
  }

  /** Runs commands in MULTI and EXEC; `null` where a watched key has changed. */
  exec(commands: readonly (readonly RedisArgument[])[]): Promise<RedisReply[] | null> {
    return this.#connection.batch(commands, { atomic: true });
  }
}

function executorOf(connection: RedisConnection): Executor {
  return {
    run: (args, options) => connection.command(args, options),
    runBlocking: (args, options) => connection.command(args, { ...options, isBlocking: true }),
  };
}

/** A configured Redis server; nothing is connected before the first command. */
export class Redis extends TypedCommands {
  readonly #pool: RedisPool;
  /** The same commands; what is a string in their types is a `Buffer`. */
  readonly buffers: TypedCommands;

  /** Made by {@link Redis.client}. */
  constructor(pool: RedisPool) {
    super(pool);
    this.#pool = pool;
    this.buffers = new TypedCommands(pool, { buffers: true });
  }

  /** Another server, by its name in `redis.clients` of `puff.config.ts`. */
  client(name: string): Redis {
    return clientNamed(name);
  }

  /** Commands that are sent together; others may run in between. */
  pipeline(): RedisPipeline {
    return new RedisPipeline((commands, options) => this.#pool.shared.batch(commands, options));
  }

  /** Commands that run together in MULTI and EXEC; if the server does not know one, none runs. */
  multi(): RedisPipeline {
    return new RedisPipeline((commands, options) =>
      this.#pool.shared.batch(commands, { ...options, atomic: true }),
    );
  }

  /** Runs a function with a connection of its own, for WATCH. */
  transaction<T>(
    fn: (transaction: RedisTransaction) => Promise<T>,
    options?: RedisOptions,
  ): Promise<T> {
    return this.#pool.borrow(async (connection) => {
      try {
        return await fn(new RedisTransaction(connection));
      } finally {
        await connection.command(['UNWATCH']).catch(() => connection.close());
      }
    }, options);
  }

  /** Makes a script of Lua. */
  script(lua: string): RedisScript {
    const digest = createHash('sha1').update(lua).digest('hex');
    return async (keys, args = [], options) => {
      const rest = [keys.length, ...keys, ...args];
      try {
        return await this.command(['EVALSHA', digest, ...rest], options);
      } catch (error) {
        if (!(error instanceof RedisReplyError) || error.reason !== 'NOSCRIPT') throw error;
        return this.command(['EVAL', lua, ...rest], options);
      }
    };
  }

  /** Closes all connections of this isolate to the server; the next command opens new ones. */
  async end(): Promise<void> {
    this.#pool.close();
  }
}

const clients = new Map<string, Redis>();

function clientNamed(name: string): Redis {
  let client = clients.get(name);
  if (client === undefined) {
    client = new Redis(new RedisPool(name));
    clients.set(name, client);
  }
  return client;
}

/** The default server: `REDIS_URL`, or `redis` in `puff.config.ts`. */
export const redis: Redis = clientNamed(DEFAULT_CLIENT);
