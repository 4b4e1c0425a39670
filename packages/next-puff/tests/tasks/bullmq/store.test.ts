import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { ClaimedJob } from '../../../dist/tasks/store.js';
import { add, completed, failed, newJob, Redis, until } from './support/stores.ts';

jest.setTimeout(120_000);

let redis: Redis;
beforeEach(async () => {
  redis = await Redis.start();
});
afterEach(() => redis.end());

test('a job runs and its result is there for all who wait, also afterwards', async () => {
  const store = redis.store();
  const seen: ClaimedJob[] = [];
  redis.work(store, async (job) => {
    seen.push(job);
    return completed({ sum: 3 });
  });
  const id = await add(store, {
    payload: '{"a":1,"b":2,"nul":"\\u0000"}',
    parentId: 'default:parent',
    trace: '00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01',
  });
  const [first, second] = await Promise.all([store.ended(id), redis.store().ended(id)]);
  expect(first).toMatchObject({ id, state: 'completed', result: '{"sum":3}', starts: 1 });
  expect(second).toEqual(first);
  expect(await store.ended(id)).toEqual(first);
  expect(first).toMatchObject({ failures: 0, payload: '{"a":1,"b":2,"nul":"\\u0000"}' });
  expect(seen[0]).toMatchObject({
    id,
    task: 'test',
    start: 1,
    failures: 0,
    parentId: 'default:parent',
    trace: '00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01',
  });
  expect((await store.list({ parentId: 'default:parent' })).jobs.map((job) => job.id)).toEqual([
    id,
  ]);
});

test('jobs run by priority, then by the time they are for, then as they were added', async () => {
  const store = redis.store();
  const now = Date.now();
  const names: [string, number, number][] = [
    ['later', 0, now - 1_000],
    ['first', -5, now],
    ['last', 7, now - 9_000],
    ['earlier', 0, now - 5_000],
    ['middle', 0, now - 3_000],
  ];
  for (const [task, priority, runAt] of names) await add(store, { task, priority, runAt });
  const order: string[] = [];
  redis.work(
    store,
    async (job) => {
      order.push(job.task);
      return completed(null);
    },
    { concurrency: 1 },
  );
  await until('all have run', () => order.length === names.length);
  expect(order).toEqual(['first', 'earlier', 'middle', 'later', 'last']);
});

test('a priority that BullMQ has no room for is refused', async () => {
  const store = redis.store();
  await expect(store.add([newJob({ priority: 2 ** 20 })])).rejects.toMatchObject({
    code: 'PUFF_TASK_PRIORITY',
  });
  await expect(store.add([newJob({ priority: 0.5 })])).rejects.toMatchObject({
    code: 'PUFF_TASK_PRIORITY',
  });
});

test('a failed run is retried with growing pauses up to a longest one, then the job has failed', async () => {
  const store = redis.store();
  const times: number[] = [];
  redis.work(store, async (job) => {
    times.push(Date.now());
    return failed(`attempt ${job.failures + 1}`);
  });
  const id = await add(store, {
    maxAttempts: 4,
    backoff: { type: 'exponential', delayMs: 100, maxDelayMs: 200 },
  });
  const job = await store.ended(id);
  expect(job).toMatchObject({ state: 'failed', failures: 4, starts: 4 });
  expect(job?.failure).toMatchObject({ name: 'RangeError', message: 'attempt 4', code: 'E_TEST' });
  const pauses = times.slice(1).map((time, i) => time - (times[i] as number));
  expect(pauses[0]).toBeGreaterThanOrEqual(95);
  expect(pauses[2]).toBeGreaterThanOrEqual(195);

  expect(await store.retry(id)).toBe(true);
  await until(
    'it has failed again',
    async () => (await store.get(id))?.state === 'failed' && times.length === 8,
  );
});

test('a final failure is not retried, and a job that is given back has lost nothing', async () => {
  const store = redis.store();
  let runs = 0;
  redis.work(store, async (job) => {
    runs++;
    if (job.task === 'final')
      return { ...failed('no'), isFinal: true } as ReturnType<typeof failed>;
    return runs < 4 ? { type: 'returned', delayMs: 20 } : completed(job.failures);
  });
  const final = await store.ended(await add(store, { task: 'final', maxAttempts: 5 }));
  expect(final).toMatchObject({ state: 'failed', failures: 1 });
  const returned = await store.ended(await add(store, { task: 'returned' }));
  expect(returned).toMatchObject({ state: 'completed', result: '0', failures: 0 });
});

test('a job with an idempotency key is added once while its record is kept', async () => {
  const store = redis.store();
  const job = newJob({ idempotencyKey: 'one', keepResultMs: 300 });
  const added = await Promise.all([store.add([job]), redis.store().add([job]), store.add([job])]);
  expect(new Set(added.map(([job]) => job?.id)).size).toBe(1);
  expect(added.filter(([job]) => job?.isDuplicate)).toHaveLength(2);
  const [other] = await store.add([{ ...job, task: 'other' }]);
  expect(other?.isDuplicate).toBe(false);

  let runs = 0;
  redis.work(store, async () => completed(++runs));
  const id = added[0]?.[0]?.id as string;
  await store.ended(id);
  await until('its record is gone', async () => (await store.get(id)) === undefined);
  expect(await store.add([job])).toEqual([{ id, isDuplicate: false }]);
  await store.ended(id);
});

test('records go when their own time is over, whatever the others keep', async () => {
  const store = redis.store();
  redis.work(store, async () => completed(null));
  const kept = await add(store, { keepResultMs: 600_000 });
  const gone = await add(store, { keepResultMs: 50 });
  await Promise.all([store.ended(kept), store.ended(gone)]);
  await until('one is gone', async () => (await store.get(gone)) === undefined);
  await until('it is counted no more', async () => {
    const [queue] = await store.counts();
    return queue?.counts.completed === 1;
  });
  expect(await store.get(kept)).toMatchObject({ state: 'completed' });
});

test('waiting, delayed and running jobs can be cancelled, ended ones cannot', async () => {
  const store = redis.store();
  const waiting = await add(store);
  const delayed = await add(store, { runAt: Date.now() + 600_000 });
  expect(await store.get(delayed)).toMatchObject({ state: 'delayed' });
  expect(await store.cancel(waiting)).toBe(true);
  expect(await store.cancel(delayed)).toBe(true);
  expect(await store.cancel(delayed)).toBe(false);
  expect(await store.ended(waiting)).toMatchObject({ state: 'cancelled', starts: 0 });

  let reason: unknown;
  redis.work(store, (_job, signal) => {
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason;
        resolve(completed('too late'));
      });
    });
  });
  const running = await add(store);
  await until('it runs', async () => (await store.get(running))?.state === 'running');
  expect(await redis.store().cancel(running)).toBe(true);
  expect(await store.ended(running)).toMatchObject({ state: 'cancelled' });
  await until('its signal aborts', () => reason !== undefined);
  expect(reason).toMatchObject({ code: 'PUFF_TASK_CANCELLED' });
  expect(await store.get(running)).toMatchObject({ state: 'cancelled' });
  expect((await store.counts())[0]?.counts).toMatchObject({ cancelled: 3, failed: 0, running: 0 });
});

test('progress and the last 100 lines of the log can be read while a job runs', async () => {
  const store = redis.store();
  let end = () => {};
  const worker = redis.work(store, async (job) => {
    worker.report(job.id, { progress: '{"done":1}' });
    for (let i = 0; i < 130; i++) worker.report(job.id, { logs: [`line ${i}`] });
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    worker.report(job.id, { progress: '{"done":2}', logs: ['end'] });
    return completed(null);
  });
  const id = await add(store);
  await until('its log is there', async () => (await store.get(id))?.logs.length === 100);
  const running = await store.get(id);
  expect(running).toMatchObject({ state: 'running', progress: '{"done":1}', worker: worker.id });
  expect(running?.logs[0]?.line).toBe('line 30');
  end();
  const job = await store.ended(id);
  expect(job).toMatchObject({ progress: '{"done":2}' });
  expect(job?.logs.at(-1)?.line).toBe('end');
});

test('jobs are listed newest first, by state and task, page by page', async () => {
  const store = redis.store();
  const ids: string[] = [];
  for (let i = 0; i < 25; i++)
    ids.push(await add(store, { task: i % 5 === 0 ? 'fifth' : 'other' }));
  const all: string[] = [];
  let after: string | undefined;
  do {
    const page = await store.list({ limit: 10, ...(after && { after }) });
    all.push(...page.jobs.map((job) => job.id));
    after = page.next;
  } while (after !== undefined);
  expect(all).toEqual([...ids].reverse());
  const fifth = await store.list({ task: 'fifth', states: ['waiting'] });
  expect(fifth.jobs).toHaveLength(5);
  expect((await store.list({ states: ['failed'] })).jobs).toEqual([]);
  expect(await store.counts()).toEqual([
    {
      queue: 'default',
      counts: { delayed: 0, waiting: 25, running: 0, completed: 0, failed: 0, cancelled: 0 },
    },
  ]);
});

test('a task runs no more often at a time, and no more often in a while, than it may', async () => {
  const store = redis.store();
  let now = 0;
  let most = 0;
  const begun: number[] = [];
  const limits = new Map([
    ['one', { concurrency: 1 }],
    ['rated', { rateLimit: { max: 2, perMs: 400 } }],
  ]);
  const run = async (job: ClaimedJob) => {
    if (job.task === 'rated') {
      begun.push(Date.now());
      return completed(null);
    }
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 20));
    now--;
    return completed(null);
  };
  redis.work(store, run, { limits });
  const ids: string[] = [];
  for (let i = 0; i < 6; i++) {
    ids.push(await add(store, { task: 'one' }), await add(store, { task: 'rated' }));
  }
  const jobs = await Promise.all(ids.map((id) => store.ended(id)));
  expect(jobs.every((job) => job?.state === 'completed')).toBe(true);
  expect(most).toBe(1);
  // Measured after the decision, so a run that was late makes the next pause look shorter.
  for (let i = 2; i < begun.length; i++) {
    expect((begun[i] as number) - (begun[i - 2] as number)).toBeGreaterThan(200);
  }
});

test('the newest deployment decides about schedules, and their jobs run', async () => {
  const store = redis.store();
  const schedule = (id: string, cron: string, payload = '{"by":"cron"}') => ({
    id,
    cron,
    timeZone: 'Europe/Berlin',
    job: { ...newJob({ task: id.split(':')[0] as string, payload }) },
  });
  await store.putSchedules([schedule('tick', '* * * * * *'), schedule('old:key', '0 3 * * *')], 10);
  expect((await store.schedules()).map(({ id }) => id)).toEqual(['old:key', 'tick']);
  await redis.store().putSchedules([schedule('tick', '* * * * * *')], 20);
  await store.putSchedules([schedule('old:key', '0 3 * * *')], 15);
  const [tick, ...others] = await store.schedules();
  expect(others).toEqual([]);
  expect(tick).toMatchObject({ id: 'tick', timeZone: 'Europe/Berlin' });
  expect(tick?.nextAt).toBeGreaterThan(Date.now() - 60_000);

  const seen: ClaimedJob[] = [];
  redis.work(store, async (job) => {
    seen.push(job);
    return completed(null);
  });
  await until('it ran twice', () => seen.length >= 2);
  expect(seen[0]).toMatchObject({ task: 'tick', payload: '{"by":"cron"}' });
  expect((await store.schedules())[0]?.lastAt).toBeGreaterThan(0);

  await store.putSchedules([schedule('bare', '* * * * * *', 'null')], 30);
  await until('the new one ran', () => seen.some((job) => job.task === 'bare'));
  expect(seen.find((job) => job.task === 'bare')?.payload).toBe('null');
});

test('closing a worker waits for its runs, and by force gives them back', async () => {
  const store = redis.store();
  let end = () => {};
  const worker = redis.work(store, async () => {
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    return completed('done');
  });
  const id = await add(store);
  await until('it runs', () => worker.running === 1);
  const closed = worker.close({ timeoutMs: 30_000 });
  end();
  await closed;
  expect(await store.ended(id)).toMatchObject({ state: 'completed', result: '"done"' });

  let aborted = false;
  const stubborn = redis.work(store, (_job, signal) => {
    signal.addEventListener('abort', () => {
      aborted = true;
    });
    return new Promise(() => {});
  });
  const second = await add(store);
  await until('it runs', () => stubborn.running === 1);
  await stubborn.close({ timeoutMs: 50 });
  expect(aborted).toBe(true);
  expect(await store.get(second)).toMatchObject({ state: 'waiting', failures: 0 });
  redis.work(store, async () => completed('by another one'));
  expect(await store.ended(second)).toMatchObject({ result: '"by another one"' });
});
