export type { RedisArgument, RedisReply } from './connection.js';
export type { RedisOptions } from './executor.js';
export {
  type Redis,
  type RedisPipeline,
  type RedisScript,
  type RedisTransaction,
  redis,
} from './redis.js';
export type {
  ReadStreamsOptions,
  ScanOptions,
  SetOptions,
  StreamEntry,
  TypedCommands,
} from './typed-commands.js';
