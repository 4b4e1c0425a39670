import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import { postgres } from 'next-puff/postgres';
import { bullmqTaskStore } from '../../dist/tasks/bullmq/index.js';
import { postgresTaskStore } from '../../dist/tasks/postgres/index.js';
import type { TaskStore } from '../../dist/tasks/store.js';
import { RedisServer } from '../redis/support/redis-server.ts';

const PROGRAM = new URL('support/killed-process.mjs', import.meta.url).pathname;
const ROUNDS = 6;
/** Jobs that the program adds together. */
const PARTS = 20;

let database: TemporaryPostgres;
let redis: RedisServer | undefined;
let store: TaskStore | undefined;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  // Without it a server that crashes forgets what it has just committed.
  database = await startTemporaryPostgres({ settings: { synchronous_commit: 'on' } });
  process.env.DATABASE_URL = database.url;
  await postgres.script(`create table orders (id bigint primary key);
    create table runs (task text, job bigint, part int)`);
}, 60_000);

afterEach(async () => {
  await Promise.all([...children].map(kill));
  await store?.close();
  await postgres.end();
  await redis?.stop();
  redis = undefined;
  await database.stop();
}, 60_000);

async function start(...args: string[]): Promise<ChildProcess> {
  const child = fork(PROGRAM, args, {
    env: { ...process.env, DATABASE_URL: database.url },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  children.add(child);
  await once(child, 'message');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** Resolves when nothing waits, is delayed or runs, and no outbox has anything. */
async function nothingLeft(of: TaskStore): Promise<void> {
  for (;;) {
    const queues = await of.counts();
    const [outbox] = await postgres.query<{ found: boolean }>(
      `select to_regclass('next_puff.task_outbox') is not null as found`,
    );
    const left = outbox?.found
      ? await postgres.query('select 1 from next_puff.task_outbox limit 1')
      : [];
    const isBusy = queues.some(
      ({ counts }) => counts.waiting + counts.delayed + counts.running > 0,
    );
    if (!isBusy && left.length === 0) return;
    await sleep(50);
  }
}

/** Which jobs of which additions ran, each once or more often. */
async function ran(task: string): Promise<Map<number, number>> {
  const rows = await postgres.query<{ job: string; parts: number }>(
    `select job::text, count(distinct part)::int as parts from runs where task = $1 group by job`,
    [task],
  );
  return new Map(rows.map(({ job, parts }) => [Number(job), parts]));
}

test.each(['postgres', 'bullmq'])(
  'processes that are killed while they schedule and relay lose nothing and leave no half (%s)',
  async (engine) => {
    const committed = new Set<number>();
    const added = new Set<number>();
    const where: string[] = [];
    if (engine === 'bullmq') {
      redis = await RedisServer.start({ settings: { appendonly: 'yes' } });
      where.push(redis.url);
      store = bullmqTaskStore({ redis: { url: redis.url } });
    } else {
      store = postgresTaskStore();
    }
    for (let round = 0; round < ROUNDS; round++) {
      const worker = await start('work', ...where);
      const scheduler = await start('schedule', ...where);
      scheduler.on('message', (news: { committed?: number; added?: number }) => {
        if (news.committed !== undefined) committed.add(news.committed);
        if (news.added !== undefined) added.add(news.added);
      });
      const before = committed.size;
      while (committed.size < before + 3) await sleep(5);
      await sleep(Math.random() * 100);
      await Promise.all([kill(scheduler), kill(worker)]);
    }
    await start('work', ...where);
    const orders = await postgres.query<{ id: string }>('select id::text from orders');
    await nothingLeft(store);

    const ids = orders.map(({ id }) => Number(id)).sort();
    expect(ids).toEqual(expect.arrayContaining([...committed]));
    const ordered = await ran('ordered');
    expect([...ordered.keys()].sort()).toEqual(ids);
    expect([...ordered.values()].every((parts) => parts === PARTS)).toBe(true);
    const alone = await ran('alone');
    expect([...alone.keys()]).toEqual(expect.arrayContaining([...added]));
    expect([...alone.values()].every((parts) => parts === PARTS)).toBe(true);
  },
  180_000,
);
