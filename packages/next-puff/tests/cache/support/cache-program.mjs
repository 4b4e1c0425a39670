// A process of its own with the app's cache, which does what its parent asks for.
import { cache } from 'next-puff/cache';
import { pubsub } from 'next-puff/pubsub';

const methods = {
  /** Resolves when revalidations of others arrive. */
  listen: async () => {
    await cache.get('nothing');
    const connection = pubsub.connection();
    connection.subscribe('cache test');
    await connection.ready();
  },
  get: (key) => cache.get(key),
  set: (key, value, options) => cache.set(key, value, options),
  revalidateTag: (tags) => cache.revalidateTag(tags),
};

process.on('message', async ({ call, method, args }) => {
  try {
    process.send({ call, value: await methods[method](...args) });
  } catch (error) {
    process.send({ call, error: String(error?.stack ?? error) });
  }
});
process.on('disconnect', () => process.exit());
