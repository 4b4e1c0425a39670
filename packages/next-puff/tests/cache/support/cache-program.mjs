// A process of its own with the app's cache, which does what its parent asks for.
import { cache } from 'next-puff/cache';
import { pubsub } from 'next-puff/pubsub';
import * as handlers from './handlers.mjs';

let made = 0;

const methods = {
  ...handlers,
  /** Resolves when revalidations of others arrive. */
  listen: async () => {
    await cache.get('nothing');
    const connection = pubsub.connection();
    connection.subscribe('cache test');
    await connection.ready();
  },
  get: (key) => cache.get(key),
  set: (key, value, options) => cache.set(key, value, options),
  delete: (key) => cache.delete(key),
  revalidateTag: (tags) => cache.revalidateTag(tags),
  /** Makes a value in so many milliseconds, or fails then, unless it is there. */
  wrap: (key, value, { takesMs = 0, fails = false, ...options } = {}) => {
    const make = async () => {
      made++;
      await new Promise((resolve) => setTimeout(resolve, takesMs));
      if (fails) throw new Error(`no ${value}`);
      return value;
    };
    return cache.wrap(key, make, options);
  },
  /** How many values `wrap` has made here. */
  made: () => made,
  /** The longest of so many calls one after another, in milliseconds. */
  longest: async (rounds, method, ...args) => {
    let longest = 0;
    for (let round = 0; round < rounds; round++) {
      const begin = performance.now();
      await methods[method](...args);
      longest = Math.max(longest, performance.now() - begin);
    }
    return longest;
  },
};

process.on('message', async ({ call, method, args }) => {
  try {
    process.send({ call, value: await methods[method](...args) });
  } catch (error) {
    process.send({ call, error: String(error?.stack ?? error) });
  }
});
process.on('disconnect', () => process.exit());
