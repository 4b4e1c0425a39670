import { createServer } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { postgres } from 'next-puff/postgres';
import { errorOf, testServer } from './support/server';

const server = testServer();

/** The server's URL with something else in it. */
function url(change: (url: URL) => void): string {
  const changed = new URL(server.url);
  change(changed);
  return changed.href;
}

test('a wrong password', async () => {
  const pool = server.pool({ url: url((it) => (it.password = 'secret-guess')) });
  const error = await errorOf(pool`select 1`);
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_REFUSED', sqlState: '28P01' });
  expect(error.message).toMatch(/127\.0\.0\.1:\d+.*password.*\n.*DATABASE_URL/s);
  expect(error.message).not.toContain('secret-guess');
});

test('no password', async () => {
  const pool = server.pool({ url: url((it) => (it.password = '')) });
  const error = await errorOf(pool`select 1`);
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_REFUSED' });
  expect(error.message).toMatch(/asks for a password and none was given/);
});

test('a database that is not there', async () => {
  const pool = server.pool({ url: url((it) => (it.pathname = '/nowhere')) });
  const error = await errorOf(pool`select 1`);
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_REFUSED', sqlState: '3D000' });
  expect(error.message).toMatch(/"nowhere" does not exist.*\n.*Create the database/s);
});

test('TLS that the server does not have', async () => {
  const pool = server.pool({ url: `${server.url}?sslmode=require` });
  const error = await errorOf(pool`select 1`);
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_REFUSED' });
  expect(error.message).toMatch(/does not offer TLS.*sslmode/);
});

test.each<[name: string, use: (pool: typeof postgres) => Promise<unknown>]>([
  ['a query', (pool) => pool`select 1`],
  ['a script', (pool) => pool.script('select 1')],
  ['a transaction', (pool) => pool.transaction(async () => {})],
  ['a stream', (pool) => pool.stream('select 1').next()],
])('a port where nothing listens: %s', async (_name, use) => {
  const pool = server.pool({ url: 'postgres://app:secret@127.0.0.1:1/app' });
  const startedAt = Date.now();
  const error = await errorOf(use(pool));
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_UNAVAILABLE', retryAfterMs: 1000 });
  expect(error.message).toMatch(/127\.0\.0\.1:1: connection refused.*\n.*DATABASE_URL/s);
  expect(error.message).not.toContain('secret');
  expect(Date.now() - startedAt).toBeLessThan(500);
});

test('callers of an unreachable server are answered at once, not in turn', async () => {
  const pool = server.pool({ url: 'postgres://app@127.0.0.1:1/app' });
  const startedAt = Date.now();
  const errors = await Promise.all(Array.from({ length: 500 }, () => errorOf(pool`select 1`)));
  expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['PUFF_POSTGRES_UNAVAILABLE']));
  expect(Date.now() - startedAt).toBeLessThan(2_000);
  expect(pool.status()).toMatchObject({ open: 0, waiting: 0 });
});

test('a host that is not there', async () => {
  const pool = server.pool({ url: 'postgres://app@nowhere.invalid/app' });
  const error = await errorOf(pool`select 1`);
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_UNAVAILABLE' });
  expect(error.message).toMatch(/nowhere\.invalid:5432/);
});

const listeners: ReturnType<typeof createServer>[] = [];
afterEach(() => {
  for (const listener of listeners.splice(0)) listener.close();
});

/** Something that is no PostgreSQL: it answers with the text, or not at all. */
async function listen(answer: string | undefined): Promise<string> {
  const listener = createServer((socket) => {
    socket.unref();
    socket.on('error', () => {});
    socket.on('data', () => answer !== undefined && socket.end(answer));
  });
  listeners.push(listener);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return `postgres://app:secret@127.0.0.1:${(listener.address() as { port: number }).port}/app`;
}

test('a server that never answers', async () => {
  const pool = server.pool({ url: await listen(undefined), connectTimeoutMs: 200 });
  const startedAt = Date.now();
  const error = await errorOf(pool`select 1`);
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_UNAVAILABLE' });
  expect(error.message).toMatch(/no answer within 200 ms/);
  expect(Date.now() - startedAt).toBeLessThan(1_000);
});

test('a server of another kind', async () => {
  const pool = server.pool({ url: await listen('HTTP/1.1 400 Bad Request\r\n\r\n') });
  const error = await errorOf(pool`select 1`);
  expect(error.code).toMatch(/^PUFF_(POSTGRES_(UNAVAILABLE|REFUSED)|INTERNAL)$/);
  expect(await postgres`select 1 as n`).toEqual([{ n: 1 }]);
});

test('a server that hangs up', async () => {
  const pool = server.pool({ url: await listen('') });
  expect(await errorOf(pool`select 1`)).toMatchObject({
    code: 'PUFF_POSTGRES_UNAVAILABLE',
    message: expect.stringMatching(/closed the connection during start-up/),
  });
});

test.each([
  ['mysql://app:secret@localhost/app', /postgres:\/\//],
  ['not a url', /postgres:\/\//],
  ['postgres://app:secret@localhost:notaport/app', /port/],
  ['postgres://app:secret@localhost:99999/app', /port/],
  ['postgres://app:secret@localhost/app?sslmode=maybe', /sslmode=maybe.*require/],
])('the URL %s', async (malformed, message) => {
  const error = await errorOf(server.pool({ url: malformed })`select 1`);
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_CONFIG' });
  expect(error.message).toMatch(message);
  expect(error.message).not.toContain('secret');
});

test.each([
  [{ maxConnections: 0 }, /maxConnections/],
  [{ acquireTimeoutMs: -1 }, /acquireTimeoutMs|u64/],
])('options %p', async (config, message) => {
  const error = await errorOf(server.pool(config)`select 1`);
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_CONFIG' });
  expect(error.message).toMatch(message);
});

test('a pool that nobody configured', async () => {
  server.pool();
  const error = await errorOf(postgres.pool('analytics')`select 1`);
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_NOT_CONFIGURED' });
  expect(error.message).toMatch(/named analytics.*\n.*postgres\.pools.*pool-1/s);
});

test('no DATABASE_URL', async () => {
  const { DATABASE_URL = '' } = process.env;
  await postgres.end();
  delete process.env.DATABASE_URL;
  try {
    const error = await errorOf(postgres`select 1`);
    expect(error).toMatchObject({ code: 'PUFF_POSTGRES_NOT_CONFIGURED' });
    expect(error.message).toMatch(/DATABASE_URL.*next-puff dev/s);
    process.env.NEXT_PHASE = 'phase-production-build';
    expect((await errorOf(postgres`select 1`)).message).toMatch(
      /during `next build`.*force-dynamic/s,
    );
  } finally {
    delete process.env.NEXT_PHASE;
    process.env.DATABASE_URL = DATABASE_URL;
  }
  expect(await postgres`select 1 as n`).toEqual([{ n: 1 }]);
});

test('too many connections for the server is a thing that passes', async () => {
  const role = url((it) => {
    it.username = 'narrow';
    it.password = 'narrow';
  });
  await postgres.script(`create role narrow login password 'narrow' connection limit 1`);
  const pool = server.pool({ url: role, maxConnections: 5, acquireTimeoutMs: 3_000 });
  const rows = await Promise.all(
    Array.from({ length: 5 }, (_, n) => pool`select ${n}::int as n, pg_sleep(0.05)`),
  );
  expect(rows.map(([row]) => row?.n)).toEqual([0, 1, 2, 3, 4]);
});
