/** The cache of pages and data. Everything is optional. */
export interface CacheConfig {
  /**
   * What processes must have in common to share entries and revalidations: another one for each app that uses the same
   * database or Redis. Default `'app'`.
   */
  prefix?: string;
}
