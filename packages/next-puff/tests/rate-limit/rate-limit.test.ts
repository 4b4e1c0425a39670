import { Worker } from 'node:worker_threads';
import { rateLimit, rateLimitHeaders } from 'next-puff/rate-limit';

const HOUR = 3_600_000;
let keys = 0;
const newKey = () => `key ${keys++}`;

test('lets through what there is, and says when there will be more', async () => {
  const key = newKey();
  const before = Date.now();
  for (const remaining of [2, 1, 0]) {
    expect(await rateLimit(key, { limit: 3, windowMs: HOUR })).toMatchObject({
      allowed: true,
      limit: 3,
      remaining,
      retryAfterMs: 0,
    });
  }
  const refused = await rateLimit(key, { limit: 3, windowMs: HOUR });
  expect(refused).toMatchObject({ allowed: false, remaining: 0 });
  expect(refused.retryAfterMs).toBeLessThanOrEqual(HOUR / 3);
  expect(refused.retryAfterMs).toBeGreaterThan(HOUR / 3 - 600_000);
  expect(refused.resetAt).toBeGreaterThan(before + HOUR - 600_000);
  expect(refused.resetAt).toBeLessThanOrEqual(Date.now() + HOUR + 1);
  expect((await rateLimit(newKey(), { limit: 3, windowMs: HOUR })).allowed).toBe(true);
});

test('units come back', async () => {
  const key = newKey();
  const options = { limit: 2, windowMs: 100, cost: 2 };
  expect((await rateLimit(key, options)).allowed).toBe(true);
  const deadline = Date.now() + 30_000;
  while (!(await rateLimit(key, options)).allowed) {
    expect(Date.now()).toBeLessThan(deadline);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test('a look takes nothing, a reset gives back', async () => {
  const key = newKey();
  const options = { limit: 5, windowMs: HOUR };
  await rateLimit(key, { ...options, cost: 4 });
  expect(await rateLimit.peek(key, options)).toMatchObject({ allowed: true, remaining: 1 });
  const lacking = await rateLimit.peek(key, { ...options, cost: 2 });
  expect(lacking).toMatchObject({ allowed: false, remaining: 1 });
  expect(lacking.retryAfterMs).toBeGreaterThan(0);
  expect((await rateLimit(key, options)).allowed).toBe(true);
  expect(await rateLimit.reset(key)).toBe(true);
  expect(await rateLimit.reset(key)).toBe(false);
  expect(await rateLimit.peek(key, options)).toMatchObject({ allowed: true, remaining: 5 });
});

test('isolates share limits', async () => {
  const key = newKey();
  const limit = 500;
  const counts = await Promise.all(
    [1, 2].map(
      () =>
        new Promise<number>((resolve, reject) => {
          const file = new URL('support/takes.mjs', import.meta.url);
          const worker = new Worker(file, { workerData: { key, limit, attempts: 400 } });
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  );
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(limit);
});

test('headers for clients', async () => {
  const key = newKey();
  const allowed = await rateLimit(key, { limit: 1, windowMs: HOUR });
  expect(rateLimitHeaders(allowed)).toEqual({
    'RateLimit-Limit': '1',
    'RateLimit-Remaining': '0',
    'RateLimit-Reset': expect.stringMatching(/^3[56]\d\d$/),
  });
  const refused = rateLimitHeaders(await rateLimit(key, { limit: 1, windowMs: HOUR }));
  expect(refused['Retry-After']).toMatch(/^3[56]\d\d$/);
});

test.each([
  [{ limit: 0, windowMs: 1 }, /limit is/],
  [{ limit: 1.5, windowMs: 1 }, /limit is/],
  [{ limit: 1, windowMs: Number.NaN }, /windowMs is/],
  [{ limit: 1, windowMs: 1, cost: 2 }, /cost is a whole number from 0 to 1, not 2/],
  [{ limit: 1, windowMs: 1, cost: -1 }, /cost is/],
])('refuses %j', async (options, message) => {
  await expect(rateLimit(newKey(), options)).rejects.toThrow(message);
});

test('refuses what is no key', async () => {
  for (const key of ['', 'a'.repeat(1001), 1 as unknown as string]) {
    await expect(rateLimit(key, { limit: 1, windowMs: 1 })).rejects.toThrow(TypeError);
  }
});
