import { jest } from '@jest/globals';
import { Redis } from 'next-puff/ioredis';
import { RedisServer } from '../redis/support/redis-server.ts';
import { CacheProcess } from './support/cache-process.ts';

jest.setTimeout(120_000);

let server: RedisServer;
let one: CacheProcess;
let two: CacheProcess;

beforeAll(async () => {
  server = await RedisServer.start();
  [one, two] = [newProcess(), newProcess()];
});
afterAll(async () => {
  await Promise.all([one?.stop(), two?.stop()]);
  await server?.stop();
});

function newProcess(): CacheProcess {
  const settings = {
    postgres: {},
    requests: { deadlineMs: 0, transaction: false },
    tasks: {},
    // On a busy machine an answer may take longer than an app would wait.
    cache: { redisTimeoutMs: 2000 },
  };
  return new CacheProcess({
    REDIS_URL: server.url,
    NEXT_PUFF_CONFIG: JSON.stringify({ publisher: 'cli', settings }),
  });
}

/** Runs commands on the server itself. */
async function inRedis<Result>(run: (redis: Redis) => Promise<Result>): Promise<Result> {
  const redis = new Redis(server.url);
  try {
    return await run(redis);
  } finally {
    redis.disconnect();
  }
}

const keyOf = (key: string) => `{next-puff:app:cache}:entry:user ${key}`;

test('one process finds what another has put', async () => {
  const value = { list: [1, new Date(0)], bytes: Buffer.from([0, 255]) };
  await one.call('set', 'shared', value);
  await one.call('set', 'ready', true);
  await two.until('ready', true);
  expect(await two.call('get', 'shared')).toMatchObject({ list: value.list });
});

test('what was revalidated is found by nobody, also not by a process that starts later', async () => {
  await one.call('set', 'tagged', 1, { tags: ['tag'] });
  await two.until('tagged', 1);
  await one.call('revalidateTag', 'tag');
  expect(await one.call('get', 'tagged')).toBeUndefined();
  const version = () => inRedis((redis) => redis.hget('{next-puff:app:cache}:meta', 'version'));
  const deadline = Date.now() + 30_000;
  while ((await version()) === null && Date.now() < deadline);
  const later = newProcess();
  try {
    expect(await later.call('get', 'tagged')).toBeUndefined();
    await one.call('set', 'tagged', 2, { tags: ['tag'] });
    await later.until('tagged', 2);
  } finally {
    await later.stop();
  }
});

test('entries end in Redis as they do here', async () => {
  await one.call('set', 'brief', 1, { ttlMs: 3_600_000 });
  await two.until('brief', 1);
  const ttl = await inRedis((redis) => redis.pttl(keyOf('brief')));
  expect(ttl).toBeGreaterThan(3_000_000);
  expect(ttl).toBeLessThanOrEqual(3_600_000);
});

test('what is no entry is none, and is removed', async () => {
  await one.call('set', 'poisoned', 1);
  await inRedis(async (redis) => {
    while ((await redis.exists(keyOf('poisoned'))) === 0);
    await redis.hset(keyOf('poisoned'), 'value', 'no entry');
    await redis.set(keyOf('foreign'), 'a string');
    await redis.hset(keyOf('half'), 'value', 'x', 'seen', 'x');
  });
  for (const key of ['poisoned', 'foreign', 'half']) {
    expect(await two.call('get', key)).toBeUndefined();
  }
  await inRedis(async (redis) => {
    for (const key of ['poisoned', 'foreign', 'half']) {
      const deadline = Date.now() + 30_000;
      while ((await redis.exists(keyOf(key))) === 1) expect(Date.now()).toBeLessThan(deadline);
    }
  });
});

test.each([
  ['killed', () => server.kill(), () => server.restart()],
  ['frozen', async () => server.freeze(), async () => server.thaw()],
])(
  'with Redis %s every process goes on, and shares again afterwards',
  async (name, fail, recover) => {
    await fail();
    for (let round = 0; round < 20; round++) {
      await one.call('set', `${name} ${round}`, round, { tags: ['down'] });
      expect(await one.call('get', `${name} ${round}`)).toBe(round);
      expect(await two.call('get', `nothing ${name} ${round}`)).toBeUndefined();
    }
    await one.call('revalidateTag', 'down');
    expect(await one.call('get', `${name} 1`)).toBeUndefined();
    await recover();
    const deadline = Date.now() + 60_000;
    for (let round = 0; ; round++) {
      await one.call('set', `${name} after ${round}`, round);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const found: unknown = await two.call('get', `${name} after ${round}`);
      if (found === round) break;
      expect(Date.now()).toBeLessThan(deadline);
    }
  },
);
