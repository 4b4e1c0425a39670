import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import pg from 'pg';
import { AppServer, buildApp } from './app-server.ts';

jest.setTimeout(180_000);

let database: TemporaryPostgres;
let app: AppServer;

/** Asks the database directly, over a connection that the app knows nothing of. */
async function ask(text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** How many statements with this text the server runs. */
async function running(marker: string): Promise<number> {
  const [row] = await ask(
    `select count(*)::int as count from pg_stat_activity
     where state = 'active' and query like '%${marker}%' and pid <> pg_backend_pid()`,
  );
  return row?.count as number;
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (let left = 100; left > 0; left--) {
    if (await condition()) return;
    await sleep(50);
  }
  throw new Error(`It did not happen in time: ${what}`);
}

async function countItems(): Promise<number> {
  const [row] = await ask('select count(*)::int as count from items');
  return row?.count as number;
}

function post(path: string, body: unknown): Promise<Response> {
  return fetch(`${app.origin}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    redirect: 'manual',
  });
}

async function errorOf(response: Response): Promise<{ code: string }> {
  return ((await response.json()) as { error: { code: string } }).error;
}

beforeAll(async () => {
  [database] = await Promise.all([startTemporaryPostgres(), buildApp()]);
  await ask('create table items (id serial primary key, name text not null)');
  app = await AppServer.start(database.url);
});

afterAll(async () => {
  await app?.stop();
  await database?.stop();
});

describe('a client that goes away', () => {
  test('stops the query of a route handler in PostgreSQL', async () => {
    const leaving = new AbortController();
    const request = fetch(`${app.origin}/api/sleep`, { signal: leaving.signal });
    request.catch(() => {});
    await until(async () => (await running('asked by a route')) === 1, 'the query runs');
    leaving.abort();
    await until(async () => (await running('asked by a route')) === 0, 'the query is stopped');
  });

  test('stops the query of a server action in PostgreSQL', async () => {
    const page = await (await fetch(`${app.origin}/sleeping`)).text();
    const form = new FormData();
    for (const [, name, value = ''] of page.matchAll(
      /<input type="hidden" name="([^"]*)"(?: value="([^"]*)")?/g,
    )) {
      form.append(name as string, value.replaceAll('&quot;', '"'));
    }
    const leaving = new AbortController();
    const request = fetch(`${app.origin}/sleeping`, {
      method: 'POST',
      body: form,
      headers: { origin: app.origin },
      signal: leaving.signal,
    });
    request.catch(() => {});
    await until(async () => (await running('asked by an action')) === 1, 'the query runs');
    leaving.abort();
    await until(async () => (await running('asked by an action')) === 0, 'the query is stopped');
  });
});

test('a deadline answers 504 and stops the query in PostgreSQL', async () => {
  const response = await fetch(`${app.origin}/api/deadline`);
  expect(response.status).toBe(504);
  expect((await errorOf(response)).code).toBe('PUFF_DEADLINE_EXCEEDED');
  await until(async () => (await running('with a deadline')) === 0, 'the query is stopped');
});

describe('a handler with a transaction', () => {
  test('commits when it returns and when it redirects', async () => {
    const before = await countItems();
    expect((await post('/api/transaction', { name: 'kept' })).status).toBe(201);
    expect((await post('/api/transaction', { name: 'kept', ending: 'redirect' })).status).toBe(307);
    expect(await countItems()).toBe(before + 2);
  });

  test('rolls back when it throws', async () => {
    const before = await countItems();
    expect((await post('/api/transaction', { name: 'lost', ending: 'throw' })).status).toBe(500);
    expect(await countItems()).toBe(before);
  });
});

test('10,000 requests leave no connection and no memory behind', async () => {
  const get = async () => {
    const response = await fetch(`${app.origin}/api/items`);
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    await response.arrayBuffer();
  };
  const load = async (count: number) => {
    let left = count;
    const worker = async () => {
      while (left-- > 0) await get();
    };
    await Promise.all(Array.from({ length: 16 }, worker));
  };
  // The first ten thousand fill caches, compile code and let the heap grow to its size.
  await load(10_000);
  const before = app.memory();
  await load(10_000);
  expect(app.memory() - before).toBeLessThan(64);
  const [row] = await ask(
    `select count(*)::int as count from pg_stat_activity where application_name = 'next-puff'`,
  );
  expect(row?.count).toBeLessThanOrEqual(10);
});

test('a restart of PostgreSQL under load loses no request that was not in flight', async () => {
  const outcomes: { sentAt: number; answeredAt: number; status: number }[] = [];
  let isOver = false;
  const worker = async () => {
    while (!isOver) {
      const sentAt = performance.now();
      const { status } = await post('/api/items', { name: 'under load' });
      outcomes.push({ sentAt, answeredAt: performance.now(), status });
    }
  };
  const before = await countItems();
  const workers = Array.from({ length: 16 }, worker);
  await sleep(1000);
  const restartedAt = performance.now();
  await database.restart({ mode: 'fast' });
  const backAt = performance.now();
  await sleep(1000);
  isOver = true;
  await Promise.all(workers);

  const failed = outcomes.filter(({ status }) => status !== 201);
  const wasInFlight = (outcome: { sentAt: number; answeredAt: number }) =>
    outcome.sentAt <= restartedAt && outcome.answeredAt >= restartedAt;
  expect(failed.filter((outcome) => !wasInFlight(outcome))).toEqual([]);
  expect(outcomes.some(({ sentAt }) => sentAt > backAt)).toBe(true);
  // What was answered 201 is there; of what failed nobody knows.
  const added = (await countItems()) - before;
  expect(added).toBeGreaterThanOrEqual(outcomes.length - failed.length);
  expect(added).toBeLessThanOrEqual(outcomes.length);
});

test('a server that is down gives 503 with Retry-After, and the app recovers by itself', async () => {
  await database.kill();
  // Its backends outlive it by a moment. Then callers wait for it as long as the pool lets them,
  // because it was there before.
  let response = await fetch(`${app.origin}/api/items`);
  for (let left = 200; left > 0 && response.status === 200; left--) {
    await sleep(10);
    response = await fetch(`${app.origin}/api/items`);
  }
  expect(response.status).toBe(503);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  const error = await errorOf(response);
  expect(error.code).toBe('PUFF_POSTGRES_UNAVAILABLE');
  expect(JSON.stringify(error)).not.toContain('    at ');
  await database.restart();
  await until(async () => (await fetch(`${app.origin}/api/items`)).ok, 'the app answers again');
});
