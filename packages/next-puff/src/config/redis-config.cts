/** How a Redis server is checked. Certificates and keys are PEM text, or the path of a file with it. */
export interface RedisTlsConfig {
  /** The authorities to trust, instead of the system's. */
  ca?: string;
  certificate?: string;
  key?: string;
  /** Whether to check the server's certificate and name. Default true. */
  rejectUnauthorized?: boolean;
  /** The name to check, instead of the host. */
  serverName?: string;
}

/** A Redis server. Times are in milliseconds, 0 is without a limit; fields win over the URL. */
export interface RedisClientConfig {
  /**
   * `redis://`, `rediss://` (TLS), `redis+sentinel://host:port,host:port/master/database` or `unix:///path`. The default client
   * falls back to the environment variable `REDIS_URL`.
   */
  url?: string;
  host?: string;
  port?: number;
  /** Path of a Unix socket. */
  path?: string;
  /** ACL user. */
  username?: string;
  password?: string;
  /** Number of the database. */
  database?: number;
  tls?: RedisTlsConfig | boolean;
  /** `host:port` of sentinels. */
  sentinels?: readonly string[];
  /** The master's name among them. */
  masterName?: string;
  sentinelUsername?: string;
  sentinelPassword?: string;
  /** Shown by `CLIENT LIST`. */
  clientName?: string;
  /** For opening a connection. Default 5,000. */
  connectTimeoutMs?: number;
  /** For a reply. Default 5,000. */
  commandTimeoutMs?: number;
  /** How long commands wait while there is no connection. Default 1,000. */
  offlineWaitMs?: number;
  /** Commands that may wait or be under way. Default 100,000. */
  maxWaiting?: number;
}

/** The default client, and the named ones beside it. */
export interface RedisConfig extends RedisClientConfig {
  /** Further clients, used as `redis.client('name')`. */
  clients?: Record<string, RedisClientConfig>;
}
