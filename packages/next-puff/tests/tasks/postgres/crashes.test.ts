import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import { postgres } from 'next-puff/postgres';
import { postgresTaskStore } from '../../../dist/tasks/postgres/index.js';
import type { StoreWorker, TaskStore } from '../../../dist/tasks/store.js';
import { newJob, work } from './support/jobs.ts';

const PROGRAM = new URL('support/worker-process.mjs', import.meta.url).pathname;
const LEASE_MS = 3_000;

let database: TemporaryPostgres;
let store: TaskStore;
const processes = new Set<ChildProcess>();
let worker: StoreWorker | undefined;

beforeAll(async () => {
  // Without it a server that crashes forgets what it has just committed.
  database = await startTemporaryPostgres({ settings: { synchronous_commit: 'on' } });
  process.env.DATABASE_URL = database.url;
  store = postgresTaskStore();
  await postgres.script(`create table runs (job uuid, start int, worker uuid,
    begun_at timestamptz default clock_timestamp(), ended_at timestamptz, primary key (job, start))`);
}, 60_000);

afterAll(async () => {
  await Promise.all([...processes].map(kill));
  await worker?.close({ timeoutMs: 30_000 });
  await store.close();
  await postgres.end();
  await database.stop();
}, 60_000);

async function startWorker(): Promise<ChildProcess> {
  const child = fork(PROGRAM, [`${LEASE_MS}`, '30'], {
    env: { ...process.env, DATABASE_URL: database.url },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  processes.add(child);
  await once(child, 'message');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  processes.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

test('workers that are killed at random lose nothing, and run nothing twice at once', async () => {
  const waits: Promise<{ id: string; result: string | undefined }>[] = [];
  const ids: string[] = [];
  const workers = await Promise.all([startWorker(), startWorker(), startWorker()]);
  const end = Date.now() + 20_000;
  let kills = 0;
  let nextKill = Date.now() + 2_000;
  while (Date.now() < end) {
    const added = await store.add(Array.from({ length: 20 }, () => newJob()));
    for (const { id } of added) {
      ids.push(id);
      waits.push(store.ended(id).then((job) => ({ id, result: job?.result })));
    }
    await sleep(100);
    if (Date.now() < nextKill) continue;
    nextKill = Date.now() + 1_000 + Math.random() * 2_000;
    kills++;
    await kill(workers.shift() as ChildProcess);
    workers.push(await startWorker());
  }
  const results = await Promise.all(waits);
  expect(results).toEqual(ids.map((id) => ({ id, result: JSON.stringify(id) })));
  expect(kills).toBeGreaterThan(2);
  const [{ jobs, overlaps } = {}] = await postgres.query<{ jobs: number; overlaps: number }>(
    `select (select count(distinct job)::int from runs) as jobs,
       (select count(*)::int from runs as early join runs as late
          on early.job = late.job and late.start > early.start
        where late.begun_at < early.ended_at) as overlaps`,
  );
  expect({ jobs, overlaps }).toEqual({ jobs: ids.length, overlaps: 0 });
}, 180_000);

test('a PostgreSQL that crashes and comes back has lost nothing', async () => {
  const troubles: (Error | undefined)[] = [];
  const runs = new Map<string, number>();
  worker = work(
    store,
    async (job: { id: string }) => {
      runs.set(job.id, (runs.get(job.id) ?? 0) + 1);
      await sleep(20);
      return job.id;
    },
    { queues: ['restart'], onTrouble: (error: Error | undefined) => troubles.push(error) },
  );
  const added = await store.add(Array.from({ length: 400 }, () => newJob({ queue: 'restart' })));
  const waits = Promise.all(added.map(({ id }) => store.ended(id)));
  while (runs.size < 40) await sleep(10);
  // When one of its processes crashes, the postmaster ends all others and recovers.
  const [victim] = await postgres.query<{ pid: number }>(
    `select pid from pg_stat_activity where application_name like '% worker'`,
  );
  process.kill(victim?.pid as number, 'SIGKILL');
  const ended = await waits;
  expect(ended.map((job) => job?.result)).toEqual(added.map(({ id }) => JSON.stringify(id)));
  // The renewal of the lease may fail once more after the last result; the worker's next look tells that it is over.
  while (troubles.length === 0 || troubles.at(-1) !== undefined) await sleep(10);
}, 120_000);
