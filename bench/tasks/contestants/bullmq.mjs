// BullMQ 6: on Redis by ioredis or by next-puff's client, or on its own PostgreSQL backend.
import {
  createPostgresBackend,
  Queue as RedisQueue,
  Worker as RedisWorker,
  withBackend,
} from 'bullmq';

/** @param {{ databaseUrl: string, redisUrl: string }} services @param {string} variant */
export async function open({ databaseUrl, redisUrl }, variant) {
  const isPostgres = variant === 'postgres';
  const { Queue, Worker } = isPostgres
    ? withBackend(createPostgresBackend)
    : { Queue: RedisQueue, Worker: RedisWorker };
  const connection = await connectionOf(variant, { databaseUrl, redisUrl });
  const queue = new Queue('bench', { connection });
  await queue.waitUntilReady();
  return {
    add: (payload) => queue.add('noop', payload),
    addMany: (payloads) => queue.addBulk(payloads.map((data) => ({ name: 'noop', data }))),
    work(concurrency, run) {
      const worker = new Worker('bench', async ({ data }) => run(data), {
        connection,
        concurrency,
      });
      worker.on('error', (error) => console.error(error));
      return () => worker.close();
    },
    async close() {
      await queue.close();
      if (variant === 'next-puff') connection.disconnect();
    },
  };
}

async function connectionOf(variant, { databaseUrl, redisUrl }) {
  if (variant === 'postgres') return { connectionString: databaseUrl, max: 10, migrate: true };
  if (variant === 'redis') return { url: redisUrl, maxRetriesPerRequest: null };
  const { Redis } = await import('next-puff/ioredis');
  return new Redis(redisUrl, { maxRetriesPerRequest: null });
}
