import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { type Job, Queue, QueueEvents, Worker } from 'bullmq';
import express from 'express';
import { Redis as IORedis } from 'ioredis';
import { warningsFor } from '../../../dist/tasks/bullmq/server-warnings.js';
import { add, completed, failed, Redis, until } from './support/stores.ts';

jest.setTimeout(120_000);

let redis: Redis;
beforeEach(async () => {
  redis = await Redis.start();
});
afterEach(() => redis.end());

function connect(): IORedis {
  const connection = new IORedis(redis.server.url, { maxRetriesPerRequest: null });
  redis.atEnd(async () => connection.disconnect());
  return connection;
}

function plainQueue(): Queue {
  const queue = new Queue('default', { connection: connect() });
  redis.atEnd(() => queue.close());
  return queue;
}

test('a job of a plain BullMQ producer runs, and the producer gets its result', async () => {
  const queue = plainQueue();
  const events = new QueueEvents('default', { connection: connect() });
  redis.atEnd(() => events.close());
  await events.waitUntilReady();
  const store = redis.store();
  redis.work(store, async (job) => completed({ got: JSON.parse(job.payload), task: job.task }));
  const job = await queue.add('greet', { name: 'Ada' });
  expect(await job.waitUntilFinished(events, 30_000)).toEqual({
    got: { name: 'Ada' },
    task: 'greet',
  });
  expect(await store.get(`default:${job.id}`)).toMatchObject({ task: 'greet', state: 'completed' });
});

test("a plain BullMQ job is retried by BullMQ's own options", async () => {
  const store = redis.store();
  let runs = 0;
  redis.work(store, async () => (++runs < 3 ? failed('not yet') : completed(runs)));
  const job = await plainQueue().add('again', {}, { attempts: 3, backoff: 20 });
  expect(await store.ended(`default:${job.id}`)).toMatchObject({ result: '3', failures: 2 });
});

test('a plain BullMQ worker processes our jobs, with their name, data and attempts', async () => {
  const store = redis.store();
  const seen: unknown[] = [];
  const worker = new Worker(
    'default',
    async (job: Job) => {
      seen.push([job.name, job.data, job.attemptsMade]);
      if (job.attemptsMade === 0) throw new TypeError('the first time');
      return { by: 'bullmq' };
    },
    { connection: connect() },
  );
  redis.atEnd(() => worker.close());
  const id = await add(store, {
    task: 'shared',
    payload: '{"a":[1,{"b":"ü"}]}',
    maxAttempts: 2,
    backoff: { type: 'exponential', delayMs: 10, maxDelayMs: 50 },
  });
  expect(await store.ended(id)).toMatchObject({
    state: 'completed',
    result: '{"by":"bullmq"}',
    failures: 1,
    starts: 2,
  });
  const data = { a: [1, { b: 'ü' }] };
  expect(seen).toEqual([
    ['shared', data, 0],
    ['shared', data, 1],
  ]);
});

test('bull-board shows the queues and their jobs', async () => {
  const store = redis.store();
  redis.work(store, async () => failed('seen on the board'));
  const id = await add(store, { task: 'boarded' });
  await store.ended(id);

  const serverAdapter = new ExpressAdapter();
  serverAdapter.setBasePath('/board');
  createBullBoard({ queues: [new BullMQAdapter(plainQueue())], serverAdapter });
  const app = express();
  app.use('/board', serverAdapter.getRouter());
  const server = app.listen(0, '127.0.0.1');
  redis.atEnd(async () => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const base = `http://127.0.0.1:${port}/board`;
  expect((await fetch(base)).status).toBe(200);
  const response = await fetch(`${base}/api/queues?activeQueue=default&status=failed&page=1`);
  const { queues } = (await response.json()) as {
    queues: { name: string; counts: Record<string, number>; jobs: Record<string, unknown>[] }[];
  };
  expect(queues[0]).toMatchObject({ name: 'default', counts: { failed: 1 } });
  await until('the job is shown', () => queues[0]?.jobs.length === 1);
  expect(queues[0]?.jobs[0]).toMatchObject({
    name: 'boarded',
    failedReason: 'seen on the board',
  });
});

test('a server that can lose jobs is warned of', () => {
  const info = (aof: number, policy: string, version: string) =>
    `# Server\r\nredis_version:${version}\r\naof_enabled:${aof}\r\nmaxmemory_policy:${policy}\r\n`;
  expect(warningsFor(info(1, 'noeviction', '7.0.15'))).toEqual([]);
  expect(warningsFor(info(0, 'noeviction', '7.0.15'))).toEqual([
    expect.stringContaining('appendonly yes'),
  ]);
  expect(warningsFor(info(1, 'allkeys-lru', '6.0.5'))).toEqual([
    expect.stringContaining('allkeys-lru'),
    expect.stringContaining('6.0.5 is too old'),
  ]);
});

test('a clock that is not that of Redis is warned of', async () => {
  const now = Date.now();
  const info = (at: number) => `# Server\r\nserver_time_usec:${at * 1_000}\r\n`;
  expect(warningsFor(info(now - 4_000), now)).toEqual([]);
  expect(warningsFor(info(now + 60_000), now)).toEqual([
    expect.stringContaining('60 s behind that of Redis'),
  ]);
  expect(warningsFor(info(now - 3_600_000), now)).toEqual([
    expect.stringContaining('3600 s ahead of that of Redis'),
  ]);
});
