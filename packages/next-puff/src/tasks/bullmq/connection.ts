import type { IRedisClient } from 'bullmq';
import { bullmqClient } from '../../ioredis/bullmq-client.js';
import { completeOptions } from '../../ioredis/options.js';

/** Which Redis. Plain data, so that the thread that renews leases can have it too. */
export interface RedisSettings {
  /** `redis://` or `rediss://`, with the user, password and database in it. */
  url: string;
}

/** Opens a connection to Redis for BullMQ, on the native core. */
export function openClient(settings: RedisSettings): IRedisClient {
  return bullmqClient(completeOptions([settings.url]));
}
