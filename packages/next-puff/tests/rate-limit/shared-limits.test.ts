import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { rateLimit } from 'next-puff/rate-limit';
import { redis } from 'next-puff/redis';
import { withEnvironment } from '../redis/support/environment.ts';
import { RedisServer } from '../redis/support/redis-server.ts';

jest.setTimeout(120_000);
const HOUR = 3_600_000;
const PROGRAM = new URL('support/takes-shared.mjs', import.meta.url).pathname;
const before = process.env.REDIS_URL;
let server: RedisServer;
let keys = 0;
const newKey = () => `shared ${keys++}`;

beforeAll(async () => {
  server = await RedisServer.start();
  process.env.REDIS_URL = server.url;
});

beforeEach(async () => {
  jest
    .spyOn(console, 'error')
    .mockClear()
    .mockImplementation(() => {});
  await until(async () => (await redis.ping()) === 'PONG');
});

afterAll(async () => {
  await redis.end();
  await server?.stop();
  if (before === undefined) delete process.env.REDIS_URL;
  else process.env.REDIS_URL = before;
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error('It did not come true.');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('processes share limits', async () => {
  const key = newKey();
  const order = JSON.stringify({ key, limit: 50, attempts: 40 });
  const counts = await Promise.all(
    [1, 2].map(async () =>
      Number(
        (await promisify(execFile)(process.execPath, [PROGRAM, order], { env: { ...process.env } }))
          .stdout,
      ),
    ),
  );
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(50);
  const mine = await rateLimit(key, {
    limit: 50,
    windowMs: 24 * HOUR,
    shared: true,
    timeoutMs: 5_000,
  });
  expect(mine).toMatchObject({ allowed: false, decidedBy: 'redis' });
  // This process has counted nothing itself.
  expect(await rateLimit(key, { limit: 50, windowMs: 24 * HOUR })).toMatchObject({
    allowed: true,
    remaining: 49,
    decidedBy: 'process',
  });
});

test('Redis decides as a process does', async () => {
  for (const [limit, windowMs, costs] of [
    [3, HOUR, [1, 1, 1, 1, 0]],
    [5, HOUR, [3, 3, 2, 1]],
    [1_000_000, 366 * 24 * HOUR, [999_999, 2, 1, 1]],
    [7, 1_000_003, [7, 1]],
  ] as const) {
    const key = newKey();
    for (const cost of costs) {
      const options = { limit, windowMs, cost };
      const here = await rateLimit(key, options);
      const there = await rateLimit(key, { ...options, shared: true, timeoutMs: 5_000 });
      expect(there).toMatchObject({
        allowed: here.allowed,
        remaining: here.remaining,
        decidedBy: 'redis',
      });
      expect(Math.abs(there.retryAfterMs - here.retryAfterMs)).toBeLessThan(10_000);
      expect(Math.abs(there.resetAt - here.resetAt)).toBeLessThan(10_000);
    }
  }
});

test('units come back, a look takes nothing, a reset gives back, and keys end', async () => {
  const shared = { shared: true, timeoutMs: 5_000 };
  const key = newKey();
  const short = { limit: 2, windowMs: 100, cost: 2, ...shared };
  expect((await rateLimit(key, short)).allowed).toBe(true);
  await until(async () => (await rateLimit(key, short)).allowed);
  await until(async () => (await redis.exists(`next-puff:app:limit:${key}`)) === 0);
  const long = { limit: 5, windowMs: HOUR, ...shared };
  await rateLimit(key, { ...long, cost: 4 });
  expect(await rateLimit.peek(key, long)).toMatchObject({ allowed: true, remaining: 1 });
  expect(await rateLimit.peek(key, { ...long, cost: 2 })).toMatchObject({
    allowed: false,
    remaining: 1,
  });
  expect(await rateLimit.reset(key, shared)).toBe(true);
  expect(await rateLimit.reset(key, shared)).toBe(false);
  expect(await rateLimit.peek(key, long)).toMatchObject({ remaining: 5 });
});

test.each([
  ['frozen', () => server.freeze(), async () => server.thaw()],
  ['killed', () => server.kill(), () => server.restart()],
])(
  'a Redis that is %s: the wait is bounded, what was asked for happens, and it counts again',
  async (_, end, begin) => {
    const key = newKey();
    const options = { limit: 2, windowMs: HOUR, shared: true, timeoutMs: 200 };
    await end();
    const begun = Date.now();
    for (const allowed of [true, true, false]) {
      expect(await rateLimit(key, options)).toMatchObject({ allowed, decidedBy: 'onUnavailable' });
    }
    for (let time = 0; time < 4; time++) {
      expect(await rateLimit(key, { ...options, onUnavailable: 'allow' })).toMatchObject({
        allowed: true,
        remaining: 1,
        decidedBy: 'onUnavailable',
      });
    }
    const denied = await rateLimit(key, { ...options, onUnavailable: 'deny' });
    expect(denied).toMatchObject({ allowed: false, remaining: 0, decidedBy: 'onUnavailable' });
    expect(denied.retryAfterMs).toBeGreaterThan(0);
    expect(await rateLimit.peek(key, { ...options, onUnavailable: 'deny' })).toMatchObject({
      allowed: false,
    });
    expect(Date.now() - begun).toBeLessThan(15_000);
    expect(console.error).toHaveBeenCalledTimes(1);
    await begin();
    await until(async () => (await rateLimit(key, { ...options, cost: 0 })).decidedBy === 'redis');
  },
);

test('without a Redis it says how to configure one', async () => {
  const NEXT_PUFF_CONFIG = JSON.stringify({
    publisher: 'cli',
    settings: { postgres: {}, requests: {}, pubsub: {}, tasks: {}, cache: {} },
  });
  await redis.end();
  await withEnvironment({ NEXT_PUFF_CONFIG, REDIS_URL: undefined }, async () => {
    await expect(
      rateLimit(newKey(), { limit: 1, windowMs: 1, shared: true }),
    ).rejects.toMatchObject({
      code: 'PUFF_REDIS_NOT_CONFIGURED',
      message: expect.stringContaining('REDIS_URL'),
    });
  });
});

test.each([
  [{ timeoutMs: 0 }, /timeoutMs is a whole number from 1 to 60000/],
  [{ onUnavailable: 'ignore' as 'allow' }, /onUnavailable is/],
])('refuses %j', async (options, message) => {
  await expect(
    rateLimit(newKey(), { limit: 1, windowMs: 1, shared: true, ...options }),
  ).rejects.toThrow(message);
});
