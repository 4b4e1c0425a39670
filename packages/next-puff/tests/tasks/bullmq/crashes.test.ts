import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Redis as IORedis } from 'ioredis';
import { add, completed, newJob, Redis, until } from './support/stores.ts';

jest.setTimeout(120_000);

const PROGRAM = new URL('support/worker-process.mjs', import.meta.url).pathname;

let redis: Redis;
let inspector: IORedis;
beforeEach(async () => {
  redis = await Redis.start();
  inspector = new IORedis(redis.server.url);
  inspector.on('error', () => {});
  redis.atEnd(async () => inspector.disconnect());
});
afterEach(() => redis.end());

let started = 0;
const names = new Map<ChildProcess, string>();
async function startWorker(leaseMs: number, taskMs: number): Promise<ChildProcess> {
  const name = `w${++started}`;
  const args = [redis.server.url, name, String(leaseMs), String(taskMs)];
  const child = fork(PROGRAM, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  names.set(child, name);
  redis.atEnd(() => kill(child));
  await once(child, 'message');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** What the workers wrote down, oldest first. */
async function runs(): Promise<{ what: string; id: string; worker: string; at: number }[]> {
  return (await inspector.lrange('runs', 0, -1)).map((line) => {
    const [what = '', id = '', worker = '', at] = line.split(' ');
    return { what, id, worker, at: Number(at) };
  });
}

test('workers that are killed at random lose nothing, and every waiter gets its result', async () => {
  const store = redis.store();
  const jobs = Array.from({ length: 300 }, () => newJob());
  const ids = (await store.add(jobs)).map(({ id }) => id);
  let isDone = false;
  const results = Promise.all(ids.map((id) => store.ended(id)));
  void results.then(() => {
    isDone = true;
  });
  const killed = new Map<string | undefined, number>();
  let workers = [await startWorker(2_000, 60), await startWorker(2_000, 60)];
  // On a busy machine all may have run while the next worker starts.
  for (let round = 1; round <= 4 && !isDone; round++) {
    const before = (await runs()).length;
    await until('some more run', async () => isDone || (await runs()).length > before + 40);
    const victim = workers.shift();
    if (victim) {
      await kill(victim);
      killed.set(names.get(victim), Date.now());
    }
    workers = [...workers, await startWorker(2_000, 60)];
  }
  const ended = await results;
  expect(ended.map((job) => job?.result)).toEqual(ids.map((id) => JSON.stringify(id)));
  expect(ended.every((job) => job?.failures === 0)).toBe(true);
  expect(killed.size).toBeGreaterThan(0);
  // A job is begun again only after the worker that had it was killed.
  const begun = (await runs()).filter(({ what }) => what === 'begin');
  for (const id of ids) {
    const [first, ...others] = begun.filter((note) => note.id === id);
    let last = first?.worker;
    for (const { worker, at } of others) {
      expect(at).toBeGreaterThan(killed.get(last) ?? Number.POSITIVE_INFINITY);
      last = worker;
    }
  }
});

test('a task that blocks the event loop longer than its lease runs once', async () => {
  const store = redis.store();
  const [first] = await Promise.all([startWorker(3_000, 9_000), startWorker(3_000, 9_000)]);
  const id = await add(store, { task: 'block' });
  expect(await store.ended(id)).toMatchObject({ state: 'completed', starts: 1 });
  expect((await runs()).filter(({ what }) => what === 'begin')).toHaveLength(1);
  expect(first?.exitCode).toBeNull();
});

test('a Redis that is killed and comes back has lost nothing', async () => {
  const store = redis.store();
  const seen = new Set<string>();
  const troubles: (Error | undefined)[] = [];
  redis.work(
    store,
    async (job) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      seen.add(job.id);
      return completed(null);
    },
    { onTrouble: (error) => troubles.push(error) },
  );
  const ids = (await store.add(Array.from({ length: 100 }, () => newJob()))).map(({ id }) => id);
  const ended = Promise.all(ids.map((id) => store.ended(id)));
  await until('some have run', () => seen.size > 10);
  // What a killed process has written is in the system's hands: only a crash of the machine could lose the last second.
  await redis.server.kill();
  await redis.server.restart();
  expect((await ended).every((job) => job?.state === 'completed')).toBe(true);
  expect(seen).toEqual(new Set(ids));
  expect(troubles.some((error) => error instanceof Error)).toBe(true);
  await until('the worker says that it is right again', () => troubles.at(-1) === undefined);
});

test('scheduling fails in time while Redis is frozen, and works when it goes on', async () => {
  const store = redis.store();
  await add(store);
  redis.server.freeze();
  await expect(add(store)).rejects.toMatchObject({ code: 'PUFF_TASKS_UNAVAILABLE' });
  redis.server.thaw();
  const id = await add(store);
  redis.work(store, async () => completed('on'));
  expect(await store.ended(id)).toMatchObject({ state: 'completed' });
});

test('10,000 waiters get their results', async () => {
  const store = redis.store();
  const jobs = Array.from({ length: 10_000 }, (_, i) => newJob({ payload: String(i) }));
  const ids = (await store.add(jobs)).map(({ id }) => id);
  const waiting = Promise.all(ids.map((id) => store.ended(id)));
  redis.work(redis.store(), async (job) => completed(job.payload), { concurrency: 100 });
  const results = (await waiting).map((job) => job?.result);
  expect(results).toEqual(jobs.map((job) => JSON.stringify(job.payload)));
  const clients = (await inspector.client('LIST')) as string;
  expect(clients.trim().split('\n').length).toBeLessThan(12);
});
