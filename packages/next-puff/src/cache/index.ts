export { type Cache, type CacheOptions, cache, type WrapOptions } from './cache.js';
