import { task } from '../../dist/tasks/index.js';
import { newJob } from '../../dist/tasks/new-job.js';
import { findTask, registeredTasks } from '../../dist/tasks/registry.js';
import { storedSchedules } from '../../dist/tasks/stored-schedules.js';
import { defineTask } from '../../dist/tasks/task-options.js';

const HOUR_MS = 3_600_000;

test('a job has what the task says, and what it says itself comes first', async () => {
  const definition = defineTask({ retries: 5, priority: 2, queue: 'mail', timeoutMs: 0 });
  const job = await newJob('mail', definition, { a: 1 }, { priority: -1, at: 5 });
  expect(job).toMatchObject({
    task: 'mail',
    queue: 'mail',
    payload: '{"a":1}',
    priority: -1,
    runAt: 5,
    timeoutMs: 0,
    keepResultMs: HOUR_MS,
    maxAttempts: 6,
    backoff: { type: 'exponential', delayMs: 1_000, maxDelayMs: HOUR_MS },
  });
});

test('a job is due now, after a delay, at a date, or at the time of Puff', async () => {
  const definition = defineTask({});
  const runAt = async (options: object) => (await newJob('t', definition, 1, options)).runAt;
  const before = Date.now();
  expect(await runAt({})).toBeGreaterThanOrEqual(before);
  expect(await runAt({ delayMs: HOUR_MS })).toBeGreaterThanOrEqual(before + HOUR_MS);
  expect(await runAt({ at: new Date(77) })).toBe(77);
  expect(await runAt({ scheduledTimeUnixMs: 1 })).toBe(1);
});

test.each<[object, string]>([
  [{ at: 1, delayMs: 1 }, 'at and delayMs exclude each other'],
  [{ delayMs: -1 }, 'delayMs must be a whole number from 0'],
  [{ at: new Date('x') }, 'at must be a valid date'],
  [{ retries: 1.5 }, 'retries must be a whole number'],
  [{ timeoutMs: Number.POSITIVE_INFINITY }, 'timeoutMs must be a whole number'],
  [{ idempotencyKey: '' }, 'idempotencyKey must be a text'],
  [{ backoff: { type: 'linear' } }, "backoff.type must be 'fixed' or 'exponential'"],
])('schedule() with %j is refused', async (options, message) => {
  await expect(newJob('t', defineTask({}), 1, options)).rejects.toThrow(message);
});

test('a payload of null is refused, because it stands for none', async () => {
  await expect(newJob('t', defineTask({}), null, {})).rejects.toThrow('null stands for no payload');
  expect((await newJob('t', defineTask({}), undefined, {})).payload).toBe('null');
});

test('a payload that the schema refuses is refused when it is scheduled', async () => {
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: () => ({ issues: [{ message: 'too small', path: ['list', { key: 0 }] }] }),
    },
  };
  await expect(newJob('t', defineTask({ schema }), 1, {})).rejects.toThrow(
    'does not fit the schema of t:\npayload.list.0: too small',
  );
});

test.each<[object, string]>([
  [{ queue: 'a b' }, 'queue must be'],
  [{ name: 'a\nb' }, 'name must be'],
  [{ concurrency: 0 }, 'concurrency must be'],
  [{ rateLimit: { max: 0, perMs: 1 } }, 'rateLimit.max must be'],
  [{ cron: '* * *' }, 'is no cron expression'],
  [{ cron: '@daily', timeZone: 'Nowhere' }, 'timeZone must be'],
  [
    {
      cron: [
        { cron: '@daily', key: 'a' },
        { cron: '@daily', key: 'a' },
      ],
    },
    'the key a twice',
  ],
])('task() with %j is refused', (options, message) => {
  expect(() => defineTask(options)).toThrow(message);
});

test('schedules have ids of their own', () => {
  task(() => {}, { name: 'one', cron: '@daily' });
  task((payload: { n: number }) => payload.n, {
    name: 'two',
    cron: [
      { cron: '@hourly', payload: { n: 1 }, key: 'first', timeZone: 'Europe/Berlin' },
      { cron: '0 0 * * *', payload: { n: 2 } },
    ],
  });
  expect(
    storedSchedules(registeredTasks()).map(({ id, cron, timeZone, job }) => [
      id,
      cron,
      timeZone,
      job.payload,
    ]),
  ).toEqual([
    ['one', '@daily', 'UTC', 'null'],
    ['two:first', '@hourly', 'Europe/Berlin', '{"n":1}'],
    ['two:2', '0 0 * * *', 'UTC', '{"n":2}'],
  ]);
});

test('a task is named after its place, and its own name comes first', () => {
  const derived = task(() => 1);
  expect(() => derived.name).toThrow(expect.objectContaining({ code: 'PUFF_TASK_UNNAMED' }));
  derived.named('tasks/a#derived');
  derived.named('tasks/index#derived');
  expect(derived.name).toBe('tasks/a#derived');
  const explicit = task(() => 2, { name: 'explicit' });
  explicit.named('tasks/a#explicit');
  expect(explicit.name).toBe('explicit');
  expect(findTask('tasks/a#explicit')).toBeUndefined();
});

test('two tasks of one name are an error, the same one evaluated again is not', () => {
  const make = () => task(() => 3, { name: 'again' });
  make().named('tasks/b#again');
  expect(() => make().named('tasks/b#again')).not.toThrow();
  expect(() => task(() => 4, { name: 'again' })).toThrow('Two tasks have the name again');
  const other = make();
  expect(() => other.named('tasks/c#again')).toThrow('tasks/b#again and tasks/c#again');
});
