import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import { postgresTaskStore } from '../../../dist/tasks/postgres/index.js';
import type {
  JobRecord,
  StoredSchedule,
  StoreWorker,
  TaskStore,
} from '../../../dist/tasks/store.js';
import { newJob, work } from './support/jobs.ts';

let database: TemporaryPostgres;
const ends: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  database = await startTemporaryPostgres();
}, 60_000);

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await database.stop();
}, 60_000);

/** A deployment with a process of its own that works. */
class Deployment {
  readonly store: TaskStore;
  readonly #worker: StoreWorker;

  private constructor() {
    this.store = postgresTaskStore({ options: { url: database.url } });
    this.#worker = work(this.store, () => null);
    ends.unshift(async () => {
      await this.end();
      await this.store.close();
    });
  }

  static async start(deployedAt: number, tasks: readonly string[]): Promise<Deployment> {
    const deployment = new Deployment();
    await deployment.store.putSchedules(tasks.map(everySecond), deployedAt);
    return deployment;
  }

  /** The tasks that are scheduled. */
  async scheduled(): Promise<string[]> {
    return (await this.store.schedules()).map(({ id }) => id);
  }

  /** All jobs that schedules have added. */
  async jobs(): Promise<JobRecord[]> {
    return (await this.store.list({ limit: 1_000 })).jobs;
  }

  end(): Promise<void> {
    return this.#worker.close({ timeoutMs: 10_000 });
  }
}

function everySecond(id: string): StoredSchedule {
  const { runAt: _runAt, ...job } = newJob({ task: id });
  return { id, cron: '* * * * * *', timeZone: 'UTC', job };
}

/** Resolves when the schedules have added so many more jobs of a task. */
async function ticks(deployment: Deployment, task: string, count: number): Promise<void> {
  const now = async () => (await deployment.jobs()).filter((job) => job.task === task).length;
  for (const end = (await now()) + count; (await now()) < end; ) await sleep(50);
}

function expectOnce(jobs: readonly JobRecord[]): void {
  const times = jobs.map(({ task, runAt }) => `${task} ${runAt}`);
  expect(new Set(times).size).toBe(times.length);
}

test('of two deployments at work the newer one has its schedules, and each time is due once', async () => {
  const older = await Deployment.start(1_000, ['removed', 'kept']);
  await ticks(older, 'removed', 1);
  const newer = await Deployment.start(2_000, ['kept', 'new']);
  const last = Math.max(...(await newer.jobs()).map(({ runAt }) => runAt));
  // As a process of the older deployment that restarts.
  await Deployment.start(1_000, ['removed', 'kept']);
  expect(await newer.scheduled()).toEqual(['kept', 'new']);
  await ticks(older, 'new', 3);
  const jobs = await older.jobs();
  expectOnce(jobs);
  expect(jobs.some(({ task, runAt }) => task === 'removed' && runAt > last)).toBe(false);
  expect(jobs.filter(({ task }) => task === 'kept').length).toBeGreaterThanOrEqual(3);
}, 60_000);

test('a deployment that was taken back leaves no schedule behind', async () => {
  const older = await Deployment.start(1_000, ['kept', 'removed']);
  const newer = await Deployment.start(2_000, ['kept', 'new']);
  await ticks(newer, 'new', 1);
  await newer.end();
  while (!(await older.scheduled()).includes('removed')) await sleep(100);
  expect(await older.scheduled()).toEqual(['kept', 'removed']);
  await ticks(older, 'removed', 2);
  expectOnce(await older.jobs());
}, 60_000);

test('one process of several that ends does not take the schedules of its deployment away', async () => {
  const older = await Deployment.start(1_000, ['old']);
  const newer = await Deployment.start(2_000, ['new']);
  const other = await Deployment.start(2_000, ['new']);
  await newer.end();
  // More than is left of the time for which a process that ended speaks.
  await ticks(other, 'new', 13);
  expect(await older.scheduled()).toEqual(['new']);
}, 60_000);
