/** The cache of pages and data. Everything is optional. */
export interface CacheConfig {
  /**
   * What processes must have in common to share entries and revalidations: another one for each app that uses the same
   * database or Redis. Default `'app'`.
   */
  prefix?: string;
  /** Whether entries are shared by Redis where one is configured. Default true. */
  redis?: boolean;
  /** How long an answer of Redis is waited for, in milliseconds, before the process goes on alone. Default 250. */
  redisTimeoutMs?: number;
  /** Larger entries are not shared by Redis. Default 4 MB. */
  maxSharedEntryBytes?: number;
}
