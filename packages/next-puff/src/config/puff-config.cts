import type { CacheConfig } from './cache-config.cjs';
import type { RedisConfig } from './redis-config.cjs';
import type { ServerConfig } from './server-config.cjs';
import type { TasksConfig } from './tasks-config.cjs';

/**
 * One pool of PostgreSQL connections. Everything is optional; times are in milliseconds.
 */
export interface PoolConfig {
  /** Connection URL. The default pool falls back to the environment variable `DATABASE_URL`. */
  url?: string;
  /** How many connections the pool opens at most. Default 10. */
  maxConnections?: number;
  /** Close a connection that nobody used for this long. */
  idleTimeoutMs?: number;
  /** Give up waiting for a free connection after this long. */
  acquireTimeoutMs?: number;
  /** Give up opening a connection after this long. */
  connectTimeoutMs?: number;
  /** PostgreSQL's `statement_timeout` for every statement of the pool; 0 means none. */
  statementTimeoutMs?: number;
  /** Replace a connection once it is this old, whatever its health. */
  maxLifetimeMs?: number;
  /** Prepared statements kept per connection. */
  statementCacheSize?: number;
  /** Whether to use named prepared statements. Default true; false for PgBouncer in transaction mode. */
  namedStatements?: boolean;
  /** What an `int8` becomes in JavaScript. Default `'string'`. */
  int8?: 'string' | 'bigint' | 'number';
}

/** The default pool, and the named ones beside it. */
export interface PostgresConfig extends PoolConfig {
  /** Further pools, used as `postgres.pool('name')`. */
  pools?: Record<string, PoolConfig>;
}

/** How wrapped route handlers and server actions run, unless one of them says otherwise. */
export interface RequestsConfig {
  /** Longest run of a handler in milliseconds. Default 30,000; 0 means no deadline. */
  deadlineMs?: number;
  /** Whether every handler runs in one transaction. Default false. */
  transaction?: boolean;
}

/** Messages between processes. */
export interface PubsubConfig {
  /**
   * How `pubsub` reaches other processes. Default `'redis'` where Redis is configured, otherwise `'postgres'` where a
   * database is, otherwise `'none'`: messages stay in the process.
   */
  transport?: 'redis' | 'postgres' | 'none';
}

/** What a command of `next-puff run` is called with. */
export interface CommandContext {
  /** The arguments that followed the command's name. */
  args: string[];
}

/** A function that `next-puff run <name>` calls; the process ends when its promise settles. */
export type Command = (context: CommandContext) => unknown;

/** What `puff.config.ts` exports by default. */
export interface PuffConfig {
  postgres?: PostgresConfig;
  requests?: RequestsConfig;
  pubsub?: PubsubConfig;
  /** The server of `next-puff start` and `next-puff dev`; `false` for Next.js' own. */
  server?: ServerConfig | false;
  /** Redis; `REDIS_URL` is enough for most. */
  redis?: RedisConfig;
  /** Background tasks. */
  tasks?: TasksConfig;
  /** The cache of pages and data. */
  cache?: CacheConfig;
  commands?: Record<string, Command>;
}

/**
 * The part of the configuration that the server process needs, as plain data.
 *
 * The defaults of `requests` are filled in; those of `postgres` belong to the pool.
 */
export interface PuffSettings {
  postgres: PostgresConfig;
  requests: Required<RequestsConfig>;
  pubsub: PubsubConfig;
  tasks: TasksConfig;
  redis?: RedisConfig;
  cache: CacheConfig;
}

/**
 * Gives `puff.config.ts` its types; returns the config as it is.
 */
export function defineConfig(config: PuffConfig): PuffConfig {
  return config;
}
