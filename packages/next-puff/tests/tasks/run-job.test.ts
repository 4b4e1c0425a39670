import { currentContext } from 'next-puff/next';
import { currentTask, type StandardSchema, task } from '../../dist/tasks/index.js';
import { runJob } from '../../dist/tasks/run-job.js';
import type { ClaimedJob, RunOutcome } from '../../dist/tasks/store.js';

const DAY_MS = 86_400_000;
const never = new AbortController().signal;

function job(name: string, more: Partial<ClaimedJob> = {}): ClaimedJob {
  return {
    id: '1',
    task: name,
    queue: 'default',
    payload: 'null',
    start: 1,
    failures: 0,
    maxAttempts: 3,
    timeoutMs: 0,
    runAt: 0,
    ...more,
  };
}

function run(
  claimed: ClaimedJob,
  options: { signal?: AbortSignal; graceMs?: number; report?: (...args: unknown[]) => void } = {},
): Promise<RunOutcome> {
  const { signal = never, graceMs = 5, report = () => {} } = options;
  return runJob(claimed, signal, { report, unknownTaskMs: DAY_MS, graceMs });
}

test('a function gets its payload and returns a result', async () => {
  task((payload: { n: number }, { attempt, job }) => [payload.n, attempt, job.id], {
    name: 'run.plain',
  });
  const outcome = await run(job('run.plain', { payload: '{"n":5}', failures: 1, start: 4 }));
  expect(outcome).toEqual({ type: 'completed', result: '[5,2,"1"]' });
});

test('no payload is undefined, and no result is null', async () => {
  let seen: unknown = 'nothing';
  task(
    (payload?: string) => {
      seen = payload;
    },
    { name: 'run.empty' },
  );
  expect(await run(job('run.empty'))).toEqual({ type: 'completed', result: 'null' });
  expect(seen).toBeUndefined();
});

test('it runs in a context of its own', async () => {
  task(
    () => {
      const { kind, name, trace } = currentContext() ?? {};
      return { kind, name, trace, id: currentTask()?.job.id };
    },
    { name: 'run.context' },
  );
  const { result } = (await run(job('run.context', { trace: '00-a' }))) as { result: string };
  expect(JSON.parse(result)).toEqual({ kind: 'task', name: 'run.context', trace: '00-a', id: '1' });
});

test('what is thrown is kept, as far as it is storable', async () => {
  task(
    () => {
      throw Object.assign(new RangeError('a\0b\ud800'), { code: 'E_FAR' });
    },
    { name: 'run.throws' },
  );
  expect(await run(job('run.throws'))).toEqual({
    type: 'failed',
    failure: {
      name: 'RangeError',
      message: 'a\u2400b\ufffd',
      code: 'E_FAR',
      stack: expect.stringContaining('run-job.test'),
    },
  });
  task(() => Promise.reject({ reason: 1 }), { name: 'run.rejects' });
  expect(await run(job('run.rejects'))).toMatchObject({ failure: { message: '{"reason":1}' } });
});

test('a result that is not JSON fails finally', async () => {
  task(() => ({ when: new Date(0) }), { name: 'run.date' });
  expect(await run(job('run.date'))).toMatchObject({
    type: 'failed',
    isFinal: true,
    failure: { code: 'PUFF_TASK_VALUE', message: expect.stringContaining('result.when: a Date') },
  });
});

test('at its deadline the signal aborts, and the run has failed though it returns', async () => {
  task(
    (_: undefined, { signal }) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve('late'))),
    { name: 'run.slow' },
  );
  expect(await run(job('run.slow', { timeoutMs: 10 }), { graceMs: 30_000 })).toMatchObject({
    type: 'failed',
    failure: {
      code: 'PUFF_DEADLINE_EXCEEDED',
      message: expect.stringContaining('timeoutMs of task()'),
    },
  });
});

test('a function that does not listen is left behind, and counts no more', async () => {
  let finish = () => {};
  let isDone = false;
  const ended = new Promise<void>((resolve) => {
    task(
      async () => {
        await new Promise<void>((done) => {
          finish = done;
        });
        isDone = true;
        setImmediate(resolve);
      },
      { name: 'run.deaf' },
    );
  });
  const outcome = await run(job('run.deaf', { timeoutMs: 10 }));
  expect(outcome).toMatchObject({ type: 'failed', failure: { code: 'PUFF_DEADLINE_EXCEEDED' } });
  expect(isDone).toBe(false);
  finish();
  await ended;
});

test('a cancelled job learns why', async () => {
  const controller = new AbortController();
  task(
    (_: undefined, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        controller.abort();
      }),
    { name: 'run.cancelled' },
  );
  const outcome = await run(job('run.cancelled'), { signal: controller.signal });
  expect(outcome).toMatchObject({ type: 'failed', failure: { code: 'PUFF_TASK_CANCELLED' } });
});

test('an unknown task is given back with growing delays, and fails after its time', async () => {
  const delays = [];
  for (const start of [1, 2, 5, 6, 100]) {
    const outcome = await run(job('run.unknown', { start }));
    delays.push(outcome.type === 'returned' && outcome.delayMs);
  }
  expect(delays).toEqual([1_000, 2_000, 16_000, 30_000, 30_000]);
  expect(await run(job('run.unknown', { start: 3_000 }))).toMatchObject({
    type: 'failed',
    isFinal: true,
    failure: { code: 'PUFF_TASK_UNKNOWN' },
  });
});

test('a payload that the schema refuses fails finally, unless it is migrated or to be retried', async () => {
  const schema: StandardSchema<string, number> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value: unknown) =>
        typeof value === 'string' ? { value: value.length } : { issues: [{ message: 'no text' }] },
    },
  };
  task((length: number) => length, { name: 'run.strict', schema });
  task((length: number) => length, { name: 'run.lenient', schema, retryInvalidPayload: true });
  task((length: number) => length, { name: 'run.migrating', schema, migrate: String });
  expect(await run(job('run.strict', { payload: '"four"' }))).toMatchObject({ result: '4' });
  const refused = await run(job('run.strict', { payload: '12' }));
  expect(refused).toMatchObject({ isFinal: true, failure: { code: 'PUFF_TASK_PAYLOAD' } });
  expect(await run(job('run.lenient', { payload: '12' }))).not.toHaveProperty('isFinal');
  expect(await run(job('run.migrating', { payload: '12' }))).toMatchObject({ result: '2' });
});

test('progress and logs are reported, and progress must be JSON', async () => {
  const reports: unknown[] = [];
  task(
    (_: undefined, { log, progress }) => {
      log('begin\0');
      progress({ done: 1 });
      progress({ at: new Date() });
    },
    { name: 'run.reports' },
  );
  const report = (...args: unknown[]) => {
    reports.push(args);
  };
  expect(await run(job('run.reports'), { report })).toMatchObject({
    failure: { message: expect.stringContaining('progress.at: a Date') },
  });
  expect(reports).toEqual([
    ['1', { logs: ['begin\u2400'] }],
    ['1', { progress: '{"done":1}' }],
  ]);
});
