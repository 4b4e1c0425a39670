import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  jest,
  test,
} from '@jest/globals';
import type { TaskStore } from '../../../dist/tasks/store.js';
import { apiTests } from './api.ts';
import { aborted, Bench, completed, type EngineServer, failed, gate, until } from './bench.ts';
import { outageTests } from './outages.ts';

/** What every engine of tasks does, seen through its store and through the tasks on it. */
export function conformance(engine: TaskStore['engine'], start: () => Promise<EngineServer>): void {
  jest.setTimeout(120_000);
  describe(`tasks on ${engine}`, () => {
    let server: EngineServer;
    let bench: Bench;
    beforeAll(async () => {
      server = await start();
    }, 120_000);
    afterAll(() => server?.stop());
    beforeEach(() => {
      bench = new Bench(server);
    });
    afterEach(() => bench.end());

    describe('the store', () => storeTests(() => bench));
    describe('workers', () => workerTests(() => bench));
    describe('the API', () => apiTests(() => bench));
    // On Redis see `bullmq/crashes.test.ts`.
    if (engine === 'postgres') {
      describe('outages', () =>
        outageTests(
          () => bench,
          () => server,
        ));
    }
  });
}

function storeTests(current: () => Bench): void {
  test('a job is stored, found and listed', async () => {
    const bench = current();
    const runAt = Date.now() + 3_600_000;
    const payload = JSON.stringify({ nul: 'a\0b', text: 'ä😀', z: 1, a: { n: 1.5e300 } });
    const parentId = await bench.add({ task: 'parent' });
    const id = await bench.add({ payload, runAt, priority: 7, maxAttempts: 3, parentId });
    const record = await bench.store.get(id);
    expect(record).toMatchObject({
      id,
      task: 'test',
      queue: bench.queue,
      state: 'delayed',
      priority: 7,
      runAt,
      maxAttempts: 3,
      starts: 0,
      failures: 0,
      parentId,
      logs: [],
    });
    expect(record?.payload).toBe(payload);
    const { jobs } = await bench.store.list({ queue: bench.queue });
    expect(jobs.map((job) => job.id)).toEqual([id, parentId]);
    expect(await bench.store.get('no-such-id')).toBeUndefined();
    expect(await bench.store.ended('no-such-id')).toBeUndefined();
  });

  test('a payload of 1 MB comes back as it was', async () => {
    const bench = current();
    const payload = JSON.stringify({ text: 'x'.repeat(1_000_000) });
    bench.work((job) => completed(job.payload.length));
    const id = await bench.add({ payload });
    expect((await bench.store.ended(id))?.result).toBe(String(payload.length));
    expect((await bench.store.get(id))?.payload).toBe(payload);
  });

  test('many jobs are answered in their order', async () => {
    const bench = current();
    const jobs = Array.from({ length: 500 }, (_, n) => bench.job({ payload: String(n) }));
    const added = await bench.store.add(jobs);
    expect(new Set(added.map(({ id }) => id)).size).toBe(500);
    const last = added[499] as { id: string };
    expect((await bench.store.get(last.id))?.payload).toBe('499');
    expect(await bench.store.add([])).toEqual([]);
  });

  test('jobs are listed newest first, by state, task and parent, page by page', async () => {
    const bench = current();
    const parent = await bench.add({ queue: `${bench.queue}-parents` });
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      ids.push(
        await bench.add({ task: n === 4 ? 'other' : 'test', parentId: n < 2 ? parent : undefined }),
      );
    }
    const { queue, store } = bench;
    const idsOf = async (filter: object) =>
      (await store.list({ queue, ...filter })).jobs.map((job) => job.id);
    expect(await idsOf({})).toEqual([...ids].reverse());
    expect(await idsOf({ task: 'other' })).toEqual([ids[4]]);
    expect((await idsOf({ parentId: parent })).sort()).toEqual(ids.slice(0, 2).sort());
    expect(await idsOf({ states: ['completed', 'failed'] })).toEqual([]);
    const paged: string[] = [];
    let after: string | undefined;
    do {
      const page = await store.list({ queue, limit: 2, ...(after !== undefined && { after }) });
      paged.push(...page.jobs.map((job) => job.id));
      after = page.next;
    } while (after !== undefined);
    expect(paged).toEqual([...ids].reverse());
  });

  test('queues are counted by state', async () => {
    const bench = current();
    await bench.add();
    await bench.add({ runAt: Date.now() + 3_600_000 });
    const counts = async () =>
      (await bench.store.counts()).find(({ queue }) => queue === bench.queue)?.counts;
    expect(await counts()).toMatchObject({ waiting: 1, delayed: 1, running: 0, completed: 0 });
    bench.work(() => completed());
    await until('it is completed', async () => (await counts())?.completed === 1);
  });

  test('an idempotency key adds one job, for each task', async () => {
    const bench = current();
    const key = { idempotencyKey: `key-${bench.queue}` };
    const first = await bench.add(key);
    const [again] = await bench.store.add([bench.job(key)]);
    expect(again).toEqual({ id: first, isDuplicate: true });
    const [other] = await bench.store.add([bench.job({ ...key, task: 'other' })]);
    expect(other?.isDuplicate).toBe(false);
    const both = await bench.store.add([
      bench.job({ idempotencyKey: `both-${bench.queue}` }),
      bench.job({ idempotencyKey: `both-${bench.queue}` }),
    ]);
    expect(both.map(({ isDuplicate }) => isDuplicate)).toEqual([false, true]);
    expect(both[0]?.id).toBe(both[1]?.id);
  });

  test('a record goes when its time is over', async () => {
    const bench = current();
    let runs = 0;
    bench.work(() => completed(runs++));
    const id = await bench.add({ keepResultMs: 1 });
    await until('it is gone', async () => (await bench.store.get(id)) === undefined);
    expect(runs).toBe(1);
  });

  test('a waiting job can be cancelled, and run again', async () => {
    const bench = current();
    const id = await bench.add({ runAt: Date.now() + 3_600_000 });
    const ended = bench.another().ended(id);
    expect(await bench.store.cancel(id)).toBe(true);
    expect(await ended).toMatchObject({ state: 'cancelled' });
    expect(await bench.store.cancel(id)).toBe(false);
    expect(await bench.store.cancel('no-such-id')).toBe(false);
    expect(await bench.store.retry(id)).toBe(true);
    expect(await bench.store.retry(id)).toBe(false);
    bench.work(() => completed(2));
    expect(await bench.store.ended(id)).toMatchObject({ state: 'completed', result: '2' });
    expect(await bench.store.retry(id)).toBe(false);
  });

  test('whoever waits for an end can stop waiting', async () => {
    const bench = current();
    const id = await bench.add({ runAt: Date.now() + 3_600_000 });
    const controller = new AbortController();
    const waiting = bench.store.ended(id, controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  test('the newest deployment decides about schedules', async () => {
    const bench = current();
    const schedule = (id: string, cron: string) => {
      const { runAt: _, ...job } = bench.job({ task: id, payload: 'null' });
      return { id: `${id}-${bench.queue}`, cron, timeZone: 'UTC', job };
    };
    const known = async () =>
      (await bench.store.schedules())
        .filter(({ id }) => id.endsWith(bench.queue))
        .map(({ id, cron }) => [id.slice(0, -bench.queue.length - 1), cron])
        .sort();
    const now = Date.now();
    await bench.store.putSchedules([schedule('a', '0 3 * * *'), schedule('b', '0 4 * * *')], now);
    expect(await known()).toEqual([
      ['a', '0 3 * * *'],
      ['b', '0 4 * * *'],
    ]);
    const newer = bench.another();
    await newer.putSchedules([schedule('a', '0 5 * * *'), schedule('c', '0 6 * * *')], now + 1_000);
    await bench.store.putSchedules([schedule('a', '0 3 * * *')], now);
    expect(await known()).toEqual([
      ['a', '0 5 * * *'],
      ['c', '0 6 * * *'],
    ]);
    const [first] = (await bench.store.schedules()).filter(({ id }) => id.endsWith(bench.queue));
    expect(first?.nextAt).toBeGreaterThan(now);
    await newer.putSchedules([], now + 2_000);
    expect(await known()).toEqual([]);
  });

  test('a schedule runs its task again and again, whoever works', async () => {
    const bench = current();
    const seen: string[] = [];
    const { runAt: _, ...job } = bench.job();
    const schedule = (task: string, payload: string) => ({
      id: `${task}-${bench.queue}`,
      cron: '* * * * * *',
      timeZone: 'UTC',
      job: { ...job, task, payload },
    });
    const schedules = [schedule('tick', '{"n":1}'), schedule('none', 'null')];
    const run = (claimed: { task: string; payload: string }) => {
      seen.push(`${claimed.task} ${claimed.payload}`);
      return completed();
    };
    await bench.store.putSchedules(schedules, Date.now() + 10_000);
    bench.work(run);
    bench.work(run, { store: bench.another() });
    const lines = ['tick {"n":1}', 'none null'];
    await until('both ran twice', () =>
      lines.every((line) => seen.filter((one) => one === line).length > 1),
    );
    expect(new Set(seen)).toEqual(new Set(lines));
    await bench.store.putSchedules([], Date.now() + 20_000);
  });
}

function workerTests(current: () => Bench): void {
  test('jobs run by priority, then by their time, then as they were added', async () => {
    const bench = current();
    const now = Date.now();
    const order = [
      ['later', 0, now - 1_000],
      ['first', -5, now],
      ['last', 7, now - 9_000],
      ['earlier', 0, now - 5_000],
      ['scheduled at 1', 0, 1],
      ['same, first', 0, now - 3_000],
      ['same, second', 0, now - 3_000],
    ] as const;
    for (const [task, priority, runAt] of order) await bench.add({ task, priority, runAt });
    const seen: string[] = [];
    bench.work(
      (job) => {
        seen.push(job.task);
        return completed();
      },
      { concurrency: 1 },
    );
    await until('all ran', () => seen.length === order.length);
    expect(seen).toEqual([
      'first',
      'scheduled at 1',
      'earlier',
      'same, first',
      'same, second',
      'later',
      'last',
    ]);
  });

  test('a job does not run before its time', async () => {
    const bench = current();
    bench.work(() => completed(Date.now()));
    const runAt = Date.now() + 1_500;
    const record = await bench.store.ended(await bench.add({ runAt }));
    // Clocks of stores may have whole seconds in their timers, not in what they compare.
    expect(Number(record?.result)).toBeGreaterThanOrEqual(runAt - 50);
  });

  test('a failed run is tried again after its backoff, until no attempt is left', async () => {
    const bench = current();
    const starts: number[] = [];
    bench.work((job) => {
      starts.push(Date.now());
      return failed(`attempt ${job.failures + 1}`);
    });
    const backoff = { type: 'exponential', delayMs: 300, maxDelayMs: 400 } as const;
    const id = await bench.add({ maxAttempts: 4, backoff });
    expect(await bench.store.ended(id)).toMatchObject({
      state: 'failed',
      starts: 4,
      failures: 4,
      failure: { name: 'Error', message: 'attempt 4' },
    });
    const pauses = starts.slice(1).map((at, n) => at - (starts[n] as number));
    expect(pauses.every((pause, n) => pause >= (n === 0 ? 250 : 350))).toBe(true);
    expect(await bench.store.retry(id)).toBe(true);
    await until(
      'it has failed again',
      async () => (await bench.store.get(id))?.failures === 4 && starts.length === 8,
    );
  });

  test('a final failure is not tried again', async () => {
    const bench = current();
    bench.work(() => failed('never', true));
    const record = await bench.store.ended(await bench.add({ maxAttempts: 5 }));
    expect(record).toMatchObject({ state: 'failed', starts: 1, failures: 1 });
  });

  test('a job that is given back runs again, and has lost no attempt', async () => {
    const bench = current();
    const seen: [number, number][] = [];
    bench.work((job) => {
      seen.push([job.start, job.failures]);
      return job.start < 3 ? { type: 'returned', delayMs: 10 } : completed();
    });
    expect(await bench.store.ended(await bench.add())).toMatchObject({
      state: 'completed',
      starts: 3,
      failures: 0,
    });
    expect(seen).toEqual([
      [1, 0],
      [2, 0],
      [3, 0],
    ]);
  });

  test('a running job can be cancelled; its outcome counts no more', async () => {
    const bench = current();
    bench.work(async (_job, signal) => {
      await aborted(signal);
      return completed('too late');
    });
    const id = await bench.add({ maxAttempts: 3 });
    await until('it runs', async () => (await bench.store.get(id))?.state === 'running');
    const ended = bench.another().ended(id);
    expect(await bench.another().cancel(id)).toBe(true);
    const record = await ended;
    expect(record?.state).toBe('cancelled');
    expect(record?.result).toBeUndefined();
  });

  test('progress and logs are there while a job runs, and when it has ended', async () => {
    const bench = current();
    const hold = gate();
    const worker = bench.work(async (job) => {
      worker.report(job.id, { progress: '{"done":1}', logs: ['one'] });
      for (let n = 0; n < 120; n++) worker.report(job.id, { logs: [`line ${n}`] });
      await hold.opened;
      worker.report(job.id, { progress: '{"done":2}', logs: ['end'] });
      return completed();
    });
    const id = await bench.add();
    await until('it reports', async () => (await bench.store.get(id))?.progress === '{"done":1}');
    hold.open();
    const record = await bench.store.ended(id);
    expect(record?.progress).toBe('{"done":2}');
    expect(record?.logs).toHaveLength(100);
    expect(record?.logs.at(-1)?.line).toBe('end');
  });

  test('each job runs once, however many work', async () => {
    const bench = current();
    const seen: string[] = [];
    const run = async (job: { id: string }) => {
      seen.push(job.id);
      return completed();
    };
    for (const store of [bench.store, bench.another(), bench.another()]) bench.work(run, { store });
    const added = await bench.store.add(Array.from({ length: 300 }, () => bench.job()));
    await Promise.all(added.map(({ id }) => bench.store.ended(id)));
    expect(seen).toHaveLength(300);
    expect(new Set(seen).size).toBe(300);
  });

  test('a worker runs no more at a time than it may, of all and of one task', async () => {
    const bench = current();
    let [all, ofOne, mostOfAll, mostOfOne] = [0, 0, 0, 0];
    bench.work(
      async (job) => {
        all++;
        if (job.task === 'one') ofOne++;
        mostOfAll = Math.max(mostOfAll, all);
        mostOfOne = Math.max(mostOfOne, ofOne);
        await new Promise((resolve) => setTimeout(resolve, 10));
        all--;
        if (job.task === 'one') ofOne--;
        return completed();
      },
      { concurrency: 5, limits: new Map([['one', { concurrency: 2 }]]) },
    );
    const jobs = Array.from({ length: 40 }, (_, n) => bench.job({ task: n % 2 ? 'one' : 'two' }));
    const added = await bench.store.add(jobs);
    await Promise.all(added.map(({ id }) => bench.store.ended(id)));
    expect(mostOfAll).toBeLessThanOrEqual(5);
    expect(mostOfOne).toBeLessThanOrEqual(2);
  });

  test('a rate limit holds over all workers', async () => {
    const bench = current();
    const starts: number[] = [];
    const limits = new Map([['limited', { rateLimit: { max: 2, perMs: 1_000 } }]]);
    const run = () => {
      starts.push(Date.now());
      return completed();
    };
    bench.work(run, { limits });
    bench.work(run, { limits, store: bench.another() });
    const jobs = Array.from({ length: 6 }, () => bench.job({ task: 'limited' }));
    const added = await bench.store.add(jobs);
    await Promise.all(added.map(({ id }) => bench.store.ended(id)));
    // Six of two per second take two whole seconds at least.
    expect((starts.at(-1) as number) - (starts[0] as number)).toBeGreaterThanOrEqual(1_500);
  });

  test('a worker that closes ends its runs, and by force gives them back', async () => {
    const bench = current();
    const hold = gate();
    const slow = bench.work(async () => {
      await hold.opened;
      return completed('patient');
    });
    const patient = await bench.add();
    await until('it runs', () => slow.running === 1);
    const closing = slow.close({ timeoutMs: 60_000 });
    hold.open();
    await closing;
    expect(await bench.store.get(patient)).toMatchObject({ state: 'completed' });

    const stuck = bench.work(async (_job, signal) => {
      await aborted(signal);
      return completed('by force');
    });
    const returned = await bench.add();
    await until('it runs', () => stuck.running === 1);
    await stuck.close({ timeoutMs: 10 });
    bench.work((job) => completed(job.start), { store: bench.another() });
    expect(await bench.store.ended(returned)).toMatchObject({ state: 'completed', failures: 0 });
  });

  test('a worker serves its queues only', async () => {
    const bench = current();
    const other = `${bench.queue}-other`;
    const elsewhere = await bench.add({ queue: other });
    bench.work(() => completed('here'));
    const here = await bench.add();
    expect((await bench.store.ended(here))?.result).toBe('"here"');
    expect((await bench.store.get(elsewhere))?.state).toBe('waiting');
    bench.work(() => completed('there'), { queues: [other] });
    expect((await bench.store.ended(elsewhere))?.result).toBe('"there"');
  });

  test('a thousand waiters all learn of the end', async () => {
    const bench = current();
    const added = await bench.store.add(Array.from({ length: 1_000 }, () => bench.job()));
    const waiting = added.map(({ id }) => bench.store.ended(id));
    bench.work(() => completed(), { concurrency: 32, store: bench.another() });
    const records = await Promise.all(waiting);
    expect(records.every((record) => record?.state === 'completed')).toBe(true);
  });
}
