import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  currentTask,
  scheduleFunction,
  startWorker,
  type Task,
  type TaskOptions,
  type TaskRun,
  type TaskWorker,
  task,
  taskHandle,
  useTaskStore,
  waitForTaskResult,
} from '../../../dist/tasks/index.js';
import { taskMetrics } from '../../../dist/tasks/worker-numbers.js';
import { aborted, type Bench, gate, until } from './bench.ts';

let number = 0;

/** Tasks on a store, as an app has them. */
export function apiTests(current: () => Bench): void {
  let worker: TaskWorker | undefined;
  beforeEach(() => {
    useTaskStore(current().store);
  });
  afterEach(async () => {
    await worker?.stop({ timeoutMs: 0 });
    worker = undefined;
  });

  /** Makes a task of this test, on its queue. */
  function make<Payload, Result>(
    fn: (payload: Payload, run: TaskRun) => Result,
    options: TaskOptions<Payload> = {},
  ): Task<Payload, Awaited<Result>> {
    number++;
    return task(fn, { name: `api-${number}`, queue: current().queue, retries: 0, ...options });
  }
  async function work(): Promise<void> {
    worker = await startWorker({ queues: [current().queue], concurrency: 4 });
  }

  test('a task is scheduled, runs and gives its result', async () => {
    const add = make((payload: { a: number; b: number }) => ({ sum: payload.a + payload.b }));
    await work();
    const handle = await add.schedule({ a: 1, b: 2 });
    expect(await handle.result({ timeoutMs: 30_000 })).toEqual({ sum: 3 });
    expect(await taskHandle(handle.id).status()).toMatchObject({
      task: add.name,
      state: 'completed',
      payload: { a: 1, b: 2 },
      result: { sum: 3 },
      starts: 1,
    });
    const many = await add.scheduleMany([
      { payload: { a: 1, b: 1 } },
      { payload: { a: 2, b: 2 }, options: { priority: -1 } },
    ]);
    expect(await Promise.all(many.map((one) => one.result()))).toEqual([{ sum: 2 }, { sum: 4 }]);
  });

  test('a task that fails rejects with what it threw', async () => {
    const fails = make(
      (_: undefined, { attempt }) => {
        throw Object.assign(new TypeError(`attempt ${attempt}`), { code: 'E_TEST' });
      },
      { retries: 1, backoff: { type: 'fixed', delayMs: 1 } },
    );
    await work();
    const handle = await fails.schedule();
    await expect(handle.result()).rejects.toMatchObject({
      name: 'TaskFailedError',
      code: 'PUFF_TASK_FAILED',
      jobId: handle.id,
      task: fails.name,
      failure: { name: 'TypeError', message: 'attempt 2', code: 'E_TEST' },
      message: expect.stringContaining('the last of 2 attempts: TypeError: attempt 2'),
    });
  });

  test('a result that is not JSON fails at once, whatever the retries', async () => {
    const wrong = make(() => new Map(), { retries: 5 });
    await work();
    const handle = await wrong.schedule();
    await expect(handle.result()).rejects.toMatchObject({ failure: { code: 'PUFF_TASK_VALUE' } });
    expect((await handle.status())?.starts).toBe(1);
  });

  test('a run that takes too long is aborted and tried again', async () => {
    const attempts: number[] = [];
    const slow = make(
      async (_: undefined, { attempt, signal }) => {
        attempts.push(attempt);
        if (attempt === 1) await aborted(signal);
        return attempt;
      },
      { timeoutMs: 200, retries: 2, backoff: { type: 'fixed', delayMs: 1 } },
    );
    await work();
    const handle = await slow.schedule(undefined, { timeoutMs: 100 });
    expect(await handle.result()).toBe(2);
    expect(attempts).toEqual([1, 2]);
    expect((await handle.status())?.failure?.code).toBe('PUFF_DEADLINE_EXCEEDED');
  });

  test('whoever waits can give up, and the task goes on', async () => {
    const hold = gate();
    const held = make(async () => {
      await hold.opened;
      return 'done';
    });
    await work();
    const handle = await held.schedule();
    await expect(handle.result({ timeoutMs: 20 })).rejects.toMatchObject({
      code: 'PUFF_TASK_TIMEOUT',
    });
    const controller = new AbortController();
    const waiting = handle.result({ signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    hold.open();
    expect(await handle.result()).toBe('done');
  });

  test('a running task is cancelled by its handle', async () => {
    const reasons: unknown[] = [];
    const endless = make(async (_: undefined, { signal }) => {
      await aborted(signal);
      reasons.push(signal.reason);
    });
    await work();
    const handle = await endless.schedule();
    await until('it runs', async () => (await handle.status())?.state === 'running');
    expect(await handle.cancel()).toBe(true);
    await expect(handle.result()).rejects.toMatchObject({ code: 'PUFF_TASK_CANCELLED' });
    await until('it has heard of it', () => reasons.length === 1);
    expect(reasons[0]).toMatchObject({ code: 'PUFF_TASK_CANCELLED' });
    expect(await handle.cancel()).toBe(false);
  });

  test('a task knows what it has scheduled', async () => {
    const child = make((payload: number) => [payload, currentTask()?.job.parentId] as const);
    const parent = make(async () => {
      const handles = await child.scheduleMany([{ payload: 1 }, { payload: 2 }]);
      return Promise.all(handles.map((one) => one.result()));
    });
    await work();
    const handle = await parent.schedule();
    expect(await handle.result()).toEqual([
      [1, handle.id],
      [2, handle.id],
    ]);
    const children = await handle.children();
    expect(await Promise.all(children.map(async (one) => (await one.status())?.payload))).toEqual([
      1, 2,
    ]);
  });

  test('an unknown task is given back and runs where it is known', async () => {
    await work();
    const name = `api-late-${current().queue}`;
    const id = await current().add({ task: name });
    await until(
      'it was given back',
      async () => ((await current().store.get(id))?.starts ?? 0) > 0,
    );
    task(() => 'known now', { name });
    expect(await taskHandle(id).result({ timeoutMs: 30_000 })).toBe('known now');
    expect((await taskHandle(id).status())?.failures).toBe(0);
  });

  test("Puff's functions schedule and wait as they do there", async () => {
    const echo = make((payload: { x: number[] }) => payload.x[0]);
    const id = await scheduleFunction(echo, { x: [7] }, { scheduledTimeUnixMs: 1 });
    expect(await current().store.get(id)).toMatchObject({
      runAt: 1,
      timeoutMs: 30_000,
      keepResultMs: 300_000,
    });
    expect(await waitForTaskResult(id, 10, 50)).toBeUndefined();
    await work();
    expect(await waitForTaskResult(id, 100, 30_000)).toBe(7);
    expect(await waitForTaskResult('no-such-id', 10, 30)).toBeUndefined();
  });

  test('progress, logs and numbers tell of a run', async () => {
    const told = make((_: undefined, { log, progress }) => {
      log('begun');
      progress({ done: 1, of: 1 });
    });
    await work();
    const handle = await told.schedule();
    await handle.result();
    expect(await handle.status()).toMatchObject({
      progress: { done: 1, of: 1 },
      logs: [{ at: expect.any(Number), line: 'begun' }],
    });
    const text = taskMetrics(await current().store.counts());
    // Of the whole process: another suite may have had a task of this name.
    const runs = `puff_tasks_runs_total{task="${told.name}",outcome="completed"} `;
    expect(Number(text.split(runs)[1]?.split('\n')[0])).toBeGreaterThanOrEqual(1);
    expect(text).toContain(`puff_tasks_jobs{queue="${current().queue}",state="completed"} 1`);
  });
}
