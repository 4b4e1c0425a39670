import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { postgres } from 'next-puff/postgres';
import { testServer } from '../../postgres/support/server';
import { add, completed, Redis } from './support/stores.ts';

const server = testServer();
jest.setTimeout(120_000);

let redis: Redis;
beforeEach(async () => {
  redis = await Redis.start();
});
afterEach(() => redis.end());

const waitingInOutbox = async () =>
  (await server.inspect('select job_id from next_puff.task_outbox order by id')).map(
    (row) => row.job_id,
  );

test('a job that is scheduled in a transaction is there when it commits', async () => {
  const store = redis.store();
  let id = '';
  await postgres.transaction(async () => {
    id = await add(store, { payload: '{"text":"\\u0000"}' });
    expect(await redis.store().get(id)).toBeUndefined();
  });
  expect(await waitingInOutbox()).toEqual([id]);
  expect(await redis.store().get(id)).toMatchObject({ id, state: 'waiting', starts: 0 });

  const ended = redis.store().ended(id);
  redis.work(redis.store(), async (job) => completed(JSON.parse(job.payload)));
  expect(await ended).toMatchObject({ state: 'completed', result: '{"text":"\\u0000"}' });
  expect(await waitingInOutbox()).toEqual([]);
});

test('workers are woken by the commit', async () => {
  const store = redis.store();
  redis.work(store, async () => completed('done'));
  await store.ended(await add(store));
  const id = await postgres.transaction(() => add(store, { priority: 3 }));
  expect(await store.ended(id)).toMatchObject({ state: 'completed', priority: 3 });
});

test('a job whose transaction or savepoint rolls back never runs', async () => {
  const store = redis.store();
  const seen: string[] = [];
  redis.work(store, async (job) => {
    seen.push(job.task);
    return completed(null);
  });
  const undone = new Error('undone');
  const whole = postgres.transaction(async () => {
    await add(store, { task: 'whole' });
    throw undone;
  });
  await expect(whole).rejects.toBe(undone);
  const last = await postgres.transaction(async (transaction) => {
    const part = transaction.savepoint(async () => {
      await add(store, { task: 'part' });
      throw undone;
    });
    await expect(part).rejects.toBe(undone);
    return add(store, { task: 'kept' });
  });
  await store.ended(last);
  expect(seen).toEqual(['kept']);
});

test('jobs of an outbox can be cancelled, and keep their idempotency', async () => {
  const store = redis.store();
  const [first, again] = await postgres.transaction(async () => [
    await add(store, { idempotencyKey: 'one' }),
    await add(store, { idempotencyKey: 'one' }),
  ]);
  expect(again).toBe(first);
  const cancelled = await postgres.transaction(() => add(store, { task: 'cancelled' }));
  expect(await store.cancel(cancelled)).toBe(true);

  const seen: string[] = [];
  redis.work(store, async (job) => {
    seen.push(job.task);
    return completed(null);
  });
  await store.ended(first as string);
  const last = await postgres.transaction(() => add(store, { task: 'last' }));
  await store.ended(last);
  expect(seen).toEqual(['test', 'last']);
});

test('jobs stay in the outbox while Redis is away', async () => {
  const store = redis.store();
  const troubles: unknown[] = [];
  redis.work(store, async () => completed('done'), {
    onTrouble: (error) => troubles.push(error),
  });
  await store.ended(await add(store));
  await redis.server.kill();
  const id = await postgres.transaction(() => add(store));
  await redis.server.restart();
  expect(await redis.store().ended(id)).toMatchObject({ state: 'completed' });
});
