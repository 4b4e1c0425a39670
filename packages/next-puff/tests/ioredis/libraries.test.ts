import { createRequire } from 'node:module';
import { describe, expect, jest, test } from '@jest/globals';
import type { ConnectionOptions } from 'bullmq';
import { FlowProducer, Queue, QueueEvents, Worker } from 'bullmq';
import { RedisStore } from 'connect-redis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { bullmqClient } from '../../dist/ioredis/bullmq-client.js';
import { redisClients, until } from './support/redis.ts';

jest.setTimeout(120_000);
const redis = redisClients();
const require = createRequire(import.meta.url);

/** The two ways in which BullMQ runs on next-puff. */
const CLIENTS: [string, () => ConnectionOptions][] = [
  ['on the ioredis-shaped client', () => redis.client({ maxRetriesPerRequest: null })],
  ['on its own interface of clients', () => bullmqClient(redis.address)],
];

describe.each(CLIENTS)('BullMQ %s', (title, connect) => {
  const name = title.replaceAll(' ', '-');

  async function withQueue(
    work: (parts: {
      queue: Queue;
      events: QueueEvents;
      connection: ConnectionOptions;
      runs: (process: (job: { name: string; data: unknown }) => unknown) => Worker;
    }) => Promise<void>,
  ): Promise<void> {
    const connection = connect();
    const queue = new Queue(name, { connection });
    const events = new QueueEvents(name, { connection });
    const workers: Worker[] = [];
    const runs = (process: (job: { name: string; data: unknown }) => unknown) => {
      const worker = new Worker(name, async (job) => process(job), { connection, concurrency: 4 });
      workers.push(worker);
      return worker;
    };
    try {
      await events.waitUntilReady();
      await work({ queue, events, connection, runs });
      await queue.obliterate({ force: true });
    } finally {
      await Promise.all([...workers, events, queue].map((part) => part.close()));
      (connection as { disconnect(): void }).disconnect();
    }
  }

  test('runs jobs, and tells of their results', () =>
    withQueue(async ({ queue, events, runs }) => {
      runs(({ data }) => (data as { number: number }).number * 2);
      const single = await queue.add('double', { number: 21 });
      expect(await single.waitUntilFinished(events)).toBe(42);
      const bulk = await queue.addBulk(
        Array.from({ length: 50 }, (_, number) => ({ name: 'double', data: { number } })),
      );
      const results = await Promise.all(bulk.map((job) => job.waitUntilFinished(events)));
      expect(results).toEqual(Array.from({ length: 50 }, (_, number) => number * 2));
      expect(await queue.getJobCounts('completed', 'failed')).toEqual({ completed: 51, failed: 0 });
    }));

  test('delays, repeats and tries again', () =>
    withQueue(async ({ queue, events, runs }) => {
      const ran: string[] = [];
      let tries = 0;
      runs((job) => {
        ran.push(job.name);
        if (job.name === 'again' && ++tries < 3) throw new Error('not yet');
        return tries;
      });
      const delayed = await queue.add('later', {}, { delay: 200 });
      const again = await queue.add('again', {}, { attempts: 3, backoff: 50 });
      expect(await again.waitUntilFinished(events)).toBe(3);
      await delayed.waitUntilFinished(events);
      await queue.upsertJobScheduler('ticks', { every: 100 }, { name: 'tick' });
      await until(() => ran.filter((one) => one === 'tick').length >= 3, 'three repetitions');
      await queue.removeJobScheduler('ticks');
      expect(ran).toContain('later');
    }));

  test('runs flows, children first', () =>
    withQueue(async ({ queue, events, connection, runs }) => {
      const ran: string[] = [];
      runs((job) => {
        ran.push(job.name);
        return job.name;
      });
      const flows = new FlowProducer({ connection });
      const child = (childName: string) => ({ name: childName, queueName: queue.name });
      const { job } = await flows.add({
        ...child('parent'),
        children: [child('first'), child('second')],
      });
      await job.waitUntilFinished(events);
      expect(Object.values(await job.getChildrenValues()).sort()).toEqual(['first', 'second']);
      expect(ran.at(-1)).toBe('parent');
      await flows.close();
    }));

  test('a worker ends at once though it waits for jobs', () =>
    withQueue(async ({ runs }) => {
      const worker = runs(() => undefined);
      await worker.waitUntilReady();
      await worker.close();
      expect(worker.isRunning()).toBe(false);
    }));
});

test('connect-redis keeps sessions', async () => {
  const store = new RedisStore({ client: redis.client(), prefix: 'session:', ttl: 60 });
  const session = { cookie: { originalMaxAge: null }, user: 'Ada' };
  await store.set('one', session as never);
  await store.set('two', session as never);
  expect(await store.get('one')).toEqual(session);
  await store.touch('one', session as never);
  expect((await store.ids()).sort()).toEqual(['one', 'two']);
  expect(await store.length()).toBe(2);
  await store.destroy('one');
  expect(await store.get('one')).toBeNull();
  await store.clear();
  expect(await store.all()).toEqual([]);
  expect(store).toBeInstanceOf(require('express-session').Store);
});

test('rate-limiter-flexible limits', async () => {
  const storeClient = redis.client();
  const limiter = new RateLimiterRedis({
    storeClient,
    points: 3,
    duration: 60,
    keyPrefix: 'limit',
  });
  const results = await Promise.allSettled(Array.from({ length: 5 }, () => limiter.consume('key')));
  expect(results.map(({ status }) => status).sort()).toEqual([
    'fulfilled',
    'fulfilled',
    'fulfilled',
    'rejected',
    'rejected',
  ]);
  expect((await limiter.get('key'))?.consumedPoints).toBe(5);
  await limiter.penalty('key', 2);
  expect((await limiter.get('key'))?.consumedPoints).toBe(7);
  await limiter.block('other', 60);
  await expect(limiter.consume('other')).rejects.toMatchObject({ remainingPoints: 0 });
  expect(await limiter.delete('key')).toBe(true);
});
