import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import { task, useTaskStore } from '../../../dist/tasks/index.js';
import { postgresTaskStore } from '../../../dist/tasks/postgres/index.js';
import type { JobRecord, TaskStore } from '../../../dist/tasks/store.js';
import { work } from './support/jobs.ts';

const DELAY_MS = 700;
const HOUR_MS = 3_600_000;
const SKEWS = [
  ['an hour ahead', HOUR_MS],
  ['an hour behind', -HOUR_MS],
] as const;

const tick = task(() => null, { name: 'due-times' });
let database: TemporaryPostgres;
let store: TaskStore;

beforeAll(async () => {
  database = await startTemporaryPostgres();
  store = postgresTaskStore({ options: { url: database.url } });
  useTaskStore(store);
}, 60_000);

afterEach(() => {
  jest.restoreAllMocks();
});

afterAll(async () => {
  await store.close();
  await database.stop();
}, 60_000);

/** Schedules while the clock of the app is wrong by so much. */
async function scheduleSkewed(skewMs: number, options: object): Promise<JobRecord> {
  const now = Date.now;
  jest.spyOn(Date, 'now').mockImplementation(() => now() + skewMs);
  const { id } = await tick.schedule(undefined, options);
  jest.restoreAllMocks();
  return (await store.get(id)) as JobRecord;
}

async function run({ id }: JobRecord): Promise<Required<JobRecord>> {
  const worker = work(store, () => null);
  const ended = (await store.ended(id)) as Required<JobRecord>;
  await worker.close({ timeoutMs: 10_000 });
  return ended;
}

test.each(SKEWS)(
  'a delay is counted by PostgreSQL where the clock of the app is %s',
  async (_, skewMs) => {
    const job = await scheduleSkewed(skewMs, { delayMs: DELAY_MS });
    expect(job.runAt - job.createdAt).toBe(DELAY_MS);
    const { startedAt } = await run(job);
    expect(startedAt).toBeGreaterThanOrEqual(job.runAt);
  },
);

test.each(SKEWS)(
  'what is to run at once does where the clock of the app is %s',
  async (_, skewMs) => {
    const job = await scheduleSkewed(skewMs, {});
    expect(job).toMatchObject({ state: 'waiting', runAt: job.createdAt });
    expect(await run(job)).toMatchObject({ state: 'completed' });
  },
);

test.each(SKEWS)(
  'a time is one of PostgreSQL where the clock of the app is %s',
  async (_, skewMs) => {
    const at = Date.now() + DELAY_MS;
    const job = await scheduleSkewed(skewMs, { at });
    expect(job).toMatchObject({ state: 'delayed', runAt: at });
    const { startedAt } = await run(job);
    expect(startedAt).toBeGreaterThanOrEqual(at);
  },
);
