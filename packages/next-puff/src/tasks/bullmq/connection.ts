import type { IRedisClient } from 'bullmq';

/** Which Redis. Plain data, so that the thread that renews leases can have it too. */
export interface RedisSettings {
  /** `redis://` or `rediss://`, with the user, password and database in it. */
  url: string;
}

/** Opens a connection to Redis for BullMQ. */
export async function openClient(settings: RedisSettings): Promise<IRedisClient> {
  const [{ Redis }, { createIORedisClient }] = await Promise.all([
    import('ioredis'),
    import('bullmq'),
  ]);
  return createIORedisClient(new Redis(settings.url, { maxRetriesPerRequest: null }));
}
