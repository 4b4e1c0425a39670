import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { postgres } from 'next-puff/postgres';
import { errorOf, eventually, testServer } from './support/server';

const server = testServer();

test('an aborted query is cancelled in PostgreSQL, its caller told at once', async () => {
  const controller = new AbortController();
  const reason = new Error('not needed any more');
  const failing = errorOf(
    postgres.query(`select pg_sleep(30), 'cancel me'`, [], { signal: controller.signal }),
  );
  await eventually(async () => (await server.running('cancel me')) === 1, 'it runs');
  const abortedAt = Date.now();
  controller.abort(reason);
  expect(await failing).toBe(reason);
  expect(Date.now() - abortedAt).toBeLessThan(50);
  await eventually(async () => (await server.running('cancel me')) === 0, 'it is cancelled');
  expect(Date.now() - abortedAt).toBeLessThan(1_000);
});

test('a timeout is a signal like any other', async () => {
  const signal = AbortSignal.timeout(50);
  const failure = await errorOf(postgres.query(`select pg_sleep(30), 'slow'`, [], { signal }));
  expect(failure.name).toBe('TimeoutError');
  await eventually(async () => (await server.running('slow')) === 0, 'it is cancelled');
});

test('a script is cancelled too, and none of it takes effect', async () => {
  await postgres.script('create table step (n int)');
  const controller = new AbortController();
  const failing = errorOf(
    postgres.script(
      'insert into step values (1); select pg_sleep(30); insert into step values (2)',
      {
        signal: controller.signal,
      },
    ),
  );
  await eventually(async () => (await server.running('pg_sleep')) === 1, 'it runs');
  controller.abort();
  expect((await failing).name).toBe('AbortError');
  await eventually(async () => (await server.running('pg_sleep')) === 0, 'it is cancelled');
  expect(await postgres`select n from step`).toEqual([]);
});

test('an aborted signal sends nothing', async () => {
  const pool = server.pool();
  const reason = new Error('before');
  const signal = AbortSignal.abort(reason);
  expect(await errorOf(pool.query('select 1', [], { signal }))).toBe(reason);
  expect(await errorOf(pool.transaction((tx) => tx`select 1`, { signal }))).toBe(reason);
  expect(await errorOf(pool.stream('select 1', [], { signal }).next())).toBe(reason);
  expect(pool.status().open).toBe(0);
});

test('what waits for a connection leaves the queue', async () => {
  const pool = server.pool({ maxConnections: 1 });
  await postgres.script('create table queued (n int)');
  const running = pool`select pg_sleep(0.3)`;
  const controller = new AbortController();
  const { signal } = controller;
  const waiting = [
    errorOf(pool.query('insert into queued values (1)', [], { signal })),
    errorOf(pool.transaction((tx) => tx`insert into queued values (2)`, { signal })),
  ];
  const other = pool`insert into queued values (3) returning n`;
  await eventually(() => pool.status().waiting === 3, 'three wait');
  controller.abort();
  for (const failure of await Promise.all(waiting)) expect(failure.name).toBe('AbortError');
  await running;
  expect(await other).toEqual([{ n: 3 }]);
  expect(await postgres`select n from queued`).toEqual([{ n: 3 }]);
});

test('a cancel hits no other statement, however close the timing', async () => {
  const pool = server.pool({ maxConnections: 1 });
  let cancelled = 0;
  for (let round = 0; round < 400; round++) {
    const controller = new AbortController();
    const first = pool.query('select pg_sleep(0.0005)', [], { signal: controller.signal }).then(
      () => 'done',
      (error: Error) => error.name,
    );
    const second = pool`select ${round}::int as n`;
    await sleep(round % 3 === 0 ? 0 : 1);
    if (round % 7 === 0) await first;
    controller.abort();
    const third = pool`select pg_sleep(0.0005), ${round}::int as n`;
    const outcome = await first;
    if (outcome === 'AbortError') cancelled += 1;
    else expect(outcome).toBe('done');
    expect(await second).toEqual([{ n: round }]);
    expect(await third).toMatchObject([{ n: round }]);
  }
  expect(cancelled).toBeGreaterThan(20);
  expect(pool.status()).toMatchObject({ open: 1, idle: 1, waiting: 0 });
});

test('hundreds of cancels at once leave the pool as it was', async () => {
  const pool = server.pool({ maxConnections: 5 });
  const outcomes = await Promise.all(
    Array.from({ length: 300 }, async (_, n) => {
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(), n % 40);
      const outcome = await pool
        .query('select pg_sleep(0.002), $1::int as n', [n], { signal: controller.signal })
        .then(
          ([row]) => row?.n === n,
          (error: Error) => error.name === 'AbortError',
        );
      clearTimeout(timer);
      return outcome;
    }),
  );
  expect(outcomes.every(Boolean)).toBe(true);
  const rows = await Promise.all(Array.from({ length: 50 }, (_, n) => pool`select ${n}::int as n`));
  expect(rows).toEqual(Array.from({ length: 50 }, (_, n) => [{ n }]));
  await eventually(() => pool.status().idle === pool.status().open, 'all are idle');
  expect(pool.status().open).toBeLessThanOrEqual(5);
});

test('one signal for many statements', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  for (let n = 0; n < 100; n++) await postgres.query('select 1', [], { signal });
  const failing = Array.from({ length: 5 }, () =>
    errorOf(postgres.query(`select pg_sleep(30), 'one of five'`, [], { signal })),
  );
  await eventually(async () => (await server.running('one of five')) === 5, 'they run');
  controller.abort();
  for (const failure of await Promise.all(failing)) expect(failure.name).toBe('AbortError');
  await eventually(async () => (await server.running('one of five')) === 0, 'all are cancelled');
});

test('aborting what is done does nothing', async () => {
  const controller = new AbortController();
  expect(await postgres.query('select 1 as n', [], { signal: controller.signal })).toEqual([
    { n: 1 },
  ]);
  controller.abort();
  expect(await postgres`select 2 as n`).toEqual([{ n: 2 }]);
});

test('one statement of a transaction can be cancelled; its savepoint saves the rest', async () => {
  const rows = await postgres.transaction(async (tx) => {
    const failure = await errorOf(
      tx.savepoint((inner) =>
        inner.query('select pg_sleep(30)', [], { signal: AbortSignal.timeout(30) }),
      ),
    );
    expect(failure.name).toBe('TimeoutError');
    return tx`select 1 as n`;
  });
  expect(rows).toEqual([{ n: 1 }]);
});
