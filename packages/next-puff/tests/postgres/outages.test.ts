import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from '@jest/globals';
import { postgres } from 'next-puff/postgres';
import { errorOf, eventually, testServer } from './support/server';

const server = testServer();

beforeAll(() => postgres.script('create table visit (id int primary key)'));

interface Request {
  sentAt: number;
  endedAt: number;
  error?: Error & { code?: string };
}

/** Workers that send one short request after the other until they are told to stop. */
function startLoad(workers: number, send: (n: number) => Promise<unknown>) {
  const requests: Request[] = [];
  let isOver = false;
  let count = 0;
  const work = async () => {
    while (!isOver) {
      const request: Request = { sentAt: Date.now(), endedAt: 0 };
      try {
        await send(count++);
      } catch (error) {
        request.error = error as Error;
      }
      request.endedAt = Date.now();
      requests.push(request);
    }
  };
  const all = Promise.all(Array.from({ length: workers }, work));
  return {
    async stop(): Promise<Request[]> {
      isOver = true;
      await all;
      return requests;
    },
  };
}

const failed = (requests: Request[]) => requests.filter(({ error }) => error !== undefined);

test('a restart loses nothing but what was in flight', async () => {
  const pool = server.pool({ maxConnections: 10 });
  const load = startLoad(50, (n) =>
    n % 2 === 0 ? pool`insert into visit values (${n})` : pool`select ${n}::int as n`,
  );
  await sleep(400);
  const restarting = server.postgres.restart({ mode: 'fast' });
  await eventually(() => server.postgres.pid === undefined, 'the server is down');
  const whileDown = Array.from({ length: 20 }, (_, n) => pool`select ${n}::int as n`);
  await restarting;
  const upAt = Date.now();
  await sleep(400);
  const requests = await load.stop();

  expect(requests.length).toBeGreaterThan(500);
  expect(await Promise.all(whileDown)).toEqual(Array.from({ length: 20 }, (_, n) => [{ n }]));
  // Only what was on a connection when it was cut off can be lost, and there are ten connections.
  const lost = failed(requests);
  expect(lost.length).toBeLessThanOrEqual(10);
  for (const { error } of lost) expect(error?.code).toBe('PUFF_POSTGRES_CONNECTION_LOST');
  // The load was there throughout: what each worker wanted next waited for the server.
  const waited = requests.filter(({ sentAt, endedAt }) => sentAt < upAt && endedAt >= upAt - 50);
  expect(waited.length).toBeGreaterThanOrEqual(40);
});

test('what was answered is stored, once', async () => {
  await postgres.script('truncate visit');
  const pool = server.pool({ maxConnections: 5 });
  const stored: number[] = [];
  const load = startLoad(20, async (n) => {
    await pool`insert into visit values (${n})`;
    stored.push(n);
  });
  await sleep(200);
  await server.postgres.restart({ mode: 'fast' });
  await sleep(200);
  for (const { error } of failed(await load.stop())) {
    expect(error).toMatchObject({ code: 'PUFF_POSTGRES_CONNECTION_LOST' });
  }
  const rows = await server.inspect<{ id: number }>('select id from visit');
  const ids = new Set(rows.map(({ id }) => id));
  expect(stored.filter((n) => !ids.has(n))).toEqual([]);
});

test('a server that was killed and started again: the pool is back by itself', async () => {
  const pool = server.pool({ maxConnections: 5, acquireTimeoutMs: 10_000 });
  await Promise.all([1, 2, 3, 4, 5].map(() => pool`select pg_sleep(0.02)`));
  await server.postgres.kill();
  const whileDown = pool`select 1 as n`;
  await sleep(300);
  await server.postgres.restart();
  expect(await whileDown).toEqual([{ n: 1 }]);
  const rows = await Promise.all(Array.from({ length: 20 }, (_, n) => pool`select ${n}::int as n`));
  expect(rows).toEqual(Array.from({ length: 20 }, (_, n) => [{ n }]));
});

test('a crash under load: the pool is back by itself', async () => {
  const pool = server.pool({ maxConnections: 10 });
  const load = startLoad(30, (n) => pool`select ${n}::int as n`);
  await sleep(200);
  await server.postgres.restart({ mode: 'immediate' });
  await pool`select 1`; // the pool tries again at most a second later
  const upAt = Date.now();
  await sleep(200);
  const requests = await load.stop();
  const lost = failed(requests);
  expect(lost.length).toBeLessThanOrEqual(10);
  for (const { error } of lost) expect(error?.code).toBe('PUFF_POSTGRES_CONNECTION_LOST');
  const after = requests.filter(({ sentAt }) => sentAt > upAt);
  expect(after.length).toBeGreaterThan(50);
  expect(failed(after)).toEqual([]);
});

test('a server that stays away: callers are told within the time they would have waited', async () => {
  const pool = server.pool({ acquireTimeoutMs: 500 });
  await pool`select 1`;
  await server.postgres.kill();
  await eventually(() => pool.status().open === 0, 'the server’s processes have ended');
  try {
    const startedAt = Date.now();
    expect(await errorOf(pool`select 1`)).toMatchObject({ code: 'PUFF_POSTGRES_UNAVAILABLE' });
    expect(Date.now() - startedAt).toBeLessThan(2_000);
    const again = Date.now();
    expect(await errorOf(pool`select 1`)).toMatchObject({ code: 'PUFF_POSTGRES_UNAVAILABLE' });
    expect(Date.now() - again).toBeLessThan(1_500);
  } finally {
    await server.postgres.restart();
  }
  await eventually(
    () =>
      pool`select 1`.then(
        () => true,
        () => false,
      ),
    'the pool is back',
  );
});

test('a transaction is cut off by a restart, the next one works', async () => {
  const pool = server.pool({ maxConnections: 2 });
  const cut = errorOf(
    pool.transaction(async (tx) => {
      await tx`insert into visit values (-1)`;
      await sleep(500);
      await tx`select 1`;
    }),
  );
  await sleep(100);
  await server.postgres.restart();
  expect(await cut).toMatchObject({ code: 'PUFF_POSTGRES_CONNECTION_LOST' });
  expect(
    await pool.transaction((tx) => tx`select count(*)::int as n from visit where id = -1`),
  ).toEqual([{ n: 0 }]);
});

test('a terminated backend fails its own caller only', async () => {
  const pool = server.pool({ maxConnections: 4 });
  const long = errorOf(pool`select pg_sleep(30), 'to be terminated'`);
  const others = Array.from({ length: 60 }, (_, n) => pool`select ${n}::int as n, pg_sleep(0.02)`);
  await eventually(async () => (await server.running('to be terminated')) === 1, 'it runs');
  await sleep(150);
  await server.inspect(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'next-puff' and strpos(query, 'to be terminated') > 0`,
  );
  const error = await long;
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_CONNECTION_LOST' });
  expect(error.message).toMatch(/administrator command.*57P01/);
  expect((await Promise.all(others)).map(([row]) => row?.n)).toEqual(
    Array.from({ length: 60 }, (_, n) => n),
  );
  expect(await pool`select 1 as n`).toEqual([{ n: 1 }]);
});

test('idle connections that died are noticed', async () => {
  const pool = server.pool({ maxConnections: 3 });
  for (let round = 0; round < 5; round++) {
    await Promise.all([1, 2, 3].map(() => pool`select pg_sleep(0.01)`));
    await server.inspect(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'next-puff'`,
    );
    const rows = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => pool`select ${n}::int as n`));
    expect(rows.map(([row]) => row?.n)).toEqual([1, 2, 3, 4, 5, 6]);
  }
});

test('kill -9 of one backend is an error for its caller and for no reader beside it', async () => {
  const victim = errorOf(postgres`select pg_sleep(60), 'to be killed'`);
  const find = () =>
    server.inspect<{ pid: number }>(
      `select pid from pg_stat_activity where query like '%to be killed%' and pid <> pg_backend_pid()`,
    );
  await eventually(async () => (await find()).length === 1, 'the victim runs');
  const [backend] = await find();
  const load = startLoad(8, (n) => postgres`select ${n}::int as n`);
  await sleep(300);
  process.kill(backend?.pid as number, 'SIGKILL');
  expect(await victim).toMatchObject({ code: 'PUFF_POSTGRES_CONNECTION_LOST' });
  await sleep(1500);
  const requests = await load.stop();
  expect(requests.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(requests.length).toBeGreaterThan(100);
});
