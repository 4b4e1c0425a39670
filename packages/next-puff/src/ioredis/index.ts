// ioredis' types, so that this client can be given wherever one of ioredis is wanted. They are ioredis' own.
import type { Redis as IORedis } from 'ioredis';
import { Cluster as ClusterClient } from './cluster.js';
import { MaxRetriesPerRequestError, ReplyError } from './errors.js';
import { RedisClient } from './redis.js';
import { ScanStream } from './scan-stream.js';

export type { RedisOptions } from 'ioredis';
export type { RedisStatus } from './redis.js';
export type { ScanStreamOptions } from './scan-stream.js';
export { MaxRetriesPerRequestError, ReplyError, ScanStream };

/** ioredis' client on the native core. */
export const Redis = RedisClient as unknown as typeof IORedis;
export type Redis = IORedis;

/** Not offered; its constructor says what to use. */
export const Cluster = ClusterClient as unknown as typeof IORedis.Cluster;

// `require('ioredis')` answers the class itself, with all else on it.
Object.assign(RedisClient, {
  __esModule: true,
  default: Redis,
  Redis,
  Cluster,
  ReplyError,
  ScanStream,
});

export { Redis as 'module.exports', Redis as default };
