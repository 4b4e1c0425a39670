// The cache handler from npm, set up as its manual says: every entry in Redis.
import { CacheHandler } from '@fortedigital/nextjs-cache-handler';
import createRedisHandler from '@fortedigital/nextjs-cache-handler/redis-strings';
import { connect } from './client.mjs';

CacheHandler.onCreation(async () => ({
  handlers: [createRedisHandler({ client: await connect(), keyPrefix: 'bench:' })],
}));

export default CacheHandler;
