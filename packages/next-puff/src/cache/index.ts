export { type Cache, type CacheOptions, cache } from './cache.js';
