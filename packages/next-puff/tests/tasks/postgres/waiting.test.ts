import { setTimeout as sleep } from 'node:timers/promises';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import { postgres } from 'next-puff/postgres';
import { postgresTaskStore } from '../../../dist/tasks/postgres/index.js';
import type { TaskStore } from '../../../dist/tasks/store.js';
import { newJob, work } from './support/jobs.ts';

let database: TemporaryPostgres;
let store: TaskStore;

beforeAll(async () => {
  database = await startTemporaryPostgres();
  process.env.DATABASE_URL = database.url;
  store = postgresTaskStore();
}, 60_000);

afterAll(async () => {
  await store.close();
  await postgres.end();
  await database.stop();
}, 60_000);

test('ten thousand who wait at once all learn the end of their job', async () => {
  const added = await store.add(
    Array.from({ length: 10_000 }, (_, number) => newJob({ payload: `${number}` })),
  );
  const waits = Promise.all(added.map(({ id }) => store.ended(id)));
  const worker = work(store, (job: { payload: string }) => Number(job.payload));
  const ended = await waits;
  expect(ended.map((job) => job?.result)).toEqual(added.map((_, number) => `${number}`));
  await worker.close({ timeoutMs: 30_000 });
}, 180_000);

test('a wait can be given up, and nobody waits for what there is not', async () => {
  const [added] = await store.add([newJob()]);
  const wait = store.ended(added?.id ?? '', AbortSignal.timeout(50));
  await expect(wait).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(await store.ended('01a20618-e614-74a3-86fa-77c2ec622552')).toBeUndefined();
  expect(await store.ended('no id')).toBeUndefined();
  expect(await store.cancel(added?.id ?? '')).toBe(true);
});

test('a schedule adds its jobs at its times, and an older deployment changes nothing', async () => {
  const { runAt: _runAt, ...job } = newJob({ task: 'tick' });
  const schedule = { id: 'tick', cron: '* * * * * *', timeZone: 'UTC', job };
  await store.putSchedules([schedule], 2_000);
  await store.putSchedules([], 1_000);
  expect(await store.schedules()).toMatchObject([{ id: 'tick', cron: '* * * * * *' }]);
  let runs = 0;
  const workers = [1, 2].map(() => work(store, () => ++runs));
  while (runs < 2) await sleep(20);
  await store.putSchedules([], 3_000);
  const { jobs } = await store.list({ task: 'tick' });
  const times = jobs.map(({ runAt }) => runAt);
  expect(new Set(times).size).toBe(times.length);
  expect(times.every((time) => time % 1_000 === 0)).toBe(true);
  await Promise.all(workers.map((worker) => worker.close({ timeoutMs: 30_000 })));
}, 60_000);
