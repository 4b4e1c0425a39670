import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { postgres } from 'next-puff/postgres';
import { errorOf, eventually, testServer } from './support/server';

const server = testServer();

test('a thousand callers share ten connections', async () => {
  const pool = server.pool({ maxConnections: 10 });
  const rows = await Promise.all(
    Array.from(
      { length: 1000 },
      (_, n) =>
        pool<{
          n: number;
          pid: number;
        }>`select ${n}::int as n, pg_backend_pid() as pid, pg_sleep(0.001)`,
    ),
  );
  expect(rows.map(([row]) => row?.n)).toEqual(Array.from({ length: 1000 }, (_, n) => n));
  expect(new Set(rows.map(([row]) => row?.pid)).size).toBeLessThanOrEqual(10);
  expect(pool.status()).toMatchObject({ maxConnections: 10, open: 10, idle: 10, waiting: 0 });
});

test('who finds no connection in time is told the numbers', async () => {
  const pool = server.pool({ maxConnections: 2, acquireTimeoutMs: 150 });
  const holding = [1, 2].map(() => pool`select pg_sleep(0.6)`);
  const startedAt = Date.now();
  const errors = await Promise.all([1, 2, 3].map(() => errorOf(pool`select 1`)));
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(140);
  expect(Date.now() - startedAt).toBeLessThan(500);
  for (const error of errors) {
    expect(error).toMatchObject({
      name: 'PoolTimeoutError',
      code: 'PUFF_POSTGRES_POOL_TIMEOUT',
      retryAfterMs: 1000,
    });
    expect(error.message).toMatch(/within 150 ms: all 2 are in use, \d+ callers? waits?/);
    expect(error.message).toMatch(/maxConnections.*acquireTimeoutMs/);
  }
  await Promise.all(holding);
  expect(await pool`select 1 as n`).toEqual([{ n: 1 }]);
});

test('a transaction that finds no connection in time does not begin later', async () => {
  const pool = server.pool({ maxConnections: 1, acquireTimeoutMs: 100 });
  const holding = pool`select pg_sleep(0.3)`;
  let hasRun = false;
  const error = await errorOf(
    pool.transaction(async () => {
      hasRun = true;
    }),
  );
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_POOL_TIMEOUT' });
  await holding;
  await sleep(50);
  expect(hasRun).toBe(false);
  expect(pool.status()).toMatchObject({ open: 1, idle: 1 });
});

test('connections are opened as they are needed, closed when they are not', async () => {
  const pool = server.pool({ maxConnections: 10, idleTimeoutMs: 200 });
  expect(pool.status()).toMatchObject({ open: 0 });
  await pool`select 1`;
  expect(pool.status().open).toBe(1);
  for (let n = 0; n < 20; n++) await pool`select 1`;
  expect(pool.status().open).toBe(1);
  await Promise.all([1, 2, 3].map(() => pool`select pg_sleep(0.05)`));
  expect(pool.status().open).toBe(3);
  await eventually(() => pool.status().open === 0, 'all are closed');
  expect(await pool`select 1 as n`).toEqual([{ n: 1 }]);
});

test('a connection is replaced when it is old', async () => {
  const pool = server.pool({ maxConnections: 1, maxLifetimeMs: 100 });
  const pid = async () =>
    (await pool.first<{ pid: number }>('select pg_backend_pid() as pid'))?.pid;
  const first = await pid();
  await sleep(150);
  await pid();
  await eventually(async () => (await pid()) !== first, 'another connection');
  expect(pool.status().open).toBeLessThanOrEqual(1);
});

test('sessions are in UTC, and what a caller sets in one transaction does not leak', async () => {
  const pool = server.pool({ maxConnections: 1 });
  expect(await pool`show timezone`).toEqual([{ TimeZone: 'UTC' }]);
  await pool.transaction((tx) => tx`set local timezone = 'Asia/Tokyo'`);
  expect(await pool`show timezone`).toEqual([{ TimeZone: 'UTC' }]);
});

test('end() lets what runs finish, refuses what waits, closes all; then the pool can be used again', async () => {
  const pool = server.pool({ maxConnections: 2 });
  const running = [1, 2].map((n) => pool`select ${n}::int as n, pg_sleep(0.2)`);
  const waiting = errorOf(pool`select 3`);
  await eventually(() => pool.status().open === 2, 'both run');
  await pool.end();
  expect((await Promise.all(running)).map(([row]) => row?.n)).toEqual([1, 2]);
  expect(await waiting).toMatchObject({ code: 'PUFF_POSTGRES_CLOSED' });
  expect(await pool`select 4 as n`).toEqual([{ n: 4 }]);
  await pool.end();
  await pool.end();
});

test('end() of the default pool closes the others too', async () => {
  const pool = server.pool();
  await Promise.all([postgres`select 1`, pool`select 1`]);
  expect(await server.connections()).toBeGreaterThanOrEqual(2);
  await postgres.end();
  await eventually(async () => (await server.connections()) === 0, 'no connection is left');
  expect(await pool`select 1 as n`).toEqual([{ n: 1 }]);
  expect(await postgres`select 1 as n`).toEqual([{ n: 1 }]);
});

test('names keep pools apart, also with the same options', async () => {
  const [one, two] = [server.pool({ maxConnections: 1 }), server.pool({ maxConnections: 1 })];
  const slow = one`select pg_sleep(0.3)`;
  const startedAt = Date.now();
  await two`select 1`;
  expect(Date.now() - startedAt).toBeLessThan(250);
  await two.end();
  await slow;
});
