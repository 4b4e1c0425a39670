import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { postgres } from 'next-puff/postgres';
import { task, useTaskStore } from '../../../dist/tasks/index.js';
import { testServer } from '../../postgres/support/server';
import { completed, Redis } from './support/stores.ts';

testServer();
jest.setTimeout(60_000);
const HOUR_MS = 3_600_000;
const DELAY_MS = 600;

const tick = task(() => null, { name: 'outbox-delays' });
let redis: Redis;
beforeEach(async () => {
  redis = await Redis.start();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await redis.end();
});

test.each([
  ['ahead', HOUR_MS],
  ['behind', -HOUR_MS],
])('a delay is counted by PostgreSQL where the clock of who schedules is %s', async (_, skewMs) => {
  const store = redis.store();
  useTaskStore(store);
  const now = Date.now;
  const begin = now();
  jest.spyOn(Date, 'now').mockImplementation(() => now() + skewMs);
  const { id } = await postgres.transaction(() => tick.schedule(undefined, { delayMs: DELAY_MS }));
  jest.restoreAllMocks();
  const ended = store.ended(id);
  let began = 0;
  redis.work(store, async () => {
    began = Date.now();
    return completed(null);
  });
  expect(await ended).toMatchObject({ state: 'completed' });
  expect(began - begin).toBeGreaterThanOrEqual(DELAY_MS - 50);
});
