// The same with a level in memory before Redis.
import { CacheHandler } from '@fortedigital/nextjs-cache-handler';
import createCompositeHandler from '@fortedigital/nextjs-cache-handler/composite';
import createLruHandler from '@fortedigital/nextjs-cache-handler/local-lru';
import createRedisHandler from '@fortedigital/nextjs-cache-handler/redis-strings';
import { connect } from './client.mjs';

CacheHandler.onCreation(async () => ({
  handlers: [
    createCompositeHandler({
      handlers: [
        createLruHandler({ maxItemsNumber: 10_000, maxItemSizeBytes: 50 * 1024 * 1024 }),
        createRedisHandler({ client: await connect(), keyPrefix: 'bench-lru:' }),
      ],
    }),
  ],
}));

export default CacheHandler;
