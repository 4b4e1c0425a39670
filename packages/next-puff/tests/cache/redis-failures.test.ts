import { jest } from '@jest/globals';
import { Redis } from 'next-puff/ioredis';
import { RedisServer } from '../redis/support/redis-server.ts';
import { CacheProcess, eventually } from './support/cache-process.ts';
import { Handlers } from './support/contestant.ts';

jest.setTimeout(120_000);

/** How long an answer of Redis is waited for here; several follow one another in a call. */
const TIMEOUT_MS = 400;
const BOUND_MS = 10 * TIMEOUT_MS;

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const { stop } of started.splice(0).reverse()) await stop();
});

async function startRedis(settings: Record<string, string | number> = {}): Promise<RedisServer> {
  const server = await RedisServer.start({ settings });
  started.push({ stop: () => server.stop() });
  return server;
}

async function startProcess(
  server: RedisServer,
  redisTimeoutMs = TIMEOUT_MS,
): Promise<CacheProcess> {
  const process = CacheProcess.withRedis(server.url, { redisTimeoutMs });
  started.push({ stop: () => process.stop() });
  return process;
}

async function inRedis<Result>(
  server: RedisServer,
  run: (redis: Redis) => Promise<Result>,
): Promise<Result> {
  const redis = new Redis(server.url);
  try {
    return await run(redis);
  } finally {
    redis.disconnect();
  }
}

const keyOf = (key: string) => `{next-puff:app:cache}:entry:${key}`;
let names = 0;

/** What one process puts is found by the other. */
async function share(one: CacheProcess, two: CacheProcess): Promise<void> {
  await eventually(async () => {
    const name = `shared ${names++}`;
    await one.call('set', name, name);
    await new Promise((resolve) => setTimeout(resolve, 30));
    return (await two.call<unknown>('get', name)) === name;
  }, 'they share entries');
}

/** Serves from its own level, without anybody waiting long, and makes what is not there. */
async function goesOn(process: CacheProcess): Promise<void> {
  const handlers = new Handlers(process);
  const name = `alone ${names++}`;
  for (const [method, ...args] of [
    ['set', name, 1, { tags: ['tag'] }],
    ['get', name],
    ['get', `no ${name}`],
    ['wrap', `made ${name}`, 2],
    ['wrap', `made ${name}`, 2],
    ['useCacheSet', true, name, { texts: ['a'], tags: ['tag'] }],
    ['useCacheRead', true, name, ['soft']],
    ['useCacheRead', true, `no ${name}`, ['soft']],
    ['revalidateTag', 'another'],
  ] as const) {
    expect(await process.call<number>('longest', 5, method, ...args)).toBeLessThan(BOUND_MS);
  }
  expect(await process.call('get', name)).toBe(1);
  expect(await process.call('wrap', `made ${name}`, 3)).toBe(2);
  expect(await handlers.read(name, ['soft'])).toMatchObject({ text: 'a' });
  await process.call('revalidateTag', 'tag');
  expect(await process.call('get', name)).toBeUndefined();
  expect(await handlers.read(name, ['soft'])).toBeUndefined();
}

/** How often a process has said something. */
const count = (process: CacheProcess, text: string) => process.output.split(text).length - 1;

const KEEPS_TO_ITSELF = 'every process keeps its cache to itself';
const TAKES_NONE = 'Redis takes no entries';

test('Redis is not there at the start, and comes later', async () => {
  const server = await startRedis();
  await server.kill();
  const [one, two] = [await startProcess(server), await startProcess(server)];
  await goesOn(one);
  await goesOn(two);
  await server.restart();
  await share(one, two);
  expect(count(one, KEEPS_TO_ITSELF)).toBe(1);
  expect(one.output).toContain('PUFF_REDIS_');
});

test.each([
  [
    'killed',
    (server: RedisServer) => server.kill(),
    (server: RedisServer) => server.restart(),
    'PUFF_REDIS_',
  ],
  [
    'frozen',
    async (server: RedisServer) => server.freeze(),
    async (server: RedisServer) => server.thaw(),
    'PUFF_REDIS_TIMEOUT',
  ],
  [
    'made a replica of nobody',
    (server: RedisServer) => inRedis(server, (redis) => redis.replicaof('127.0.0.1', '1')),
    (server: RedisServer) => inRedis(server, (redis) => redis.replicaof('NO', 'ONE')),
    'PUFF_REDIS_',
  ],
])('Redis is %s under load', async (_how, fail, recover, code) => {
  const server = await startRedis();
  const [one, two] = [await startProcess(server), await startProcess(server)];
  await share(one, two);
  let loads = true;
  const load = [one, two].map(async (process, index) => {
    for (let round = 0; loads; round++) {
      await process.call('wrap', `load ${index} ${round}`, round, { tags: ['load'] });
      await process.call('get', `load ${1 - index} ${round}`);
    }
  });
  await fail(server);
  await goesOn(one);
  await goesOn(two);
  loads = false;
  await Promise.all(load);
  await recover(server);
  await share(one, two);
  await share(two, one);
  expect(one.output).toContain(code);
});

test('what was revalidated while Redis was away is not found there afterwards', async () => {
  const server = await startRedis({ appendonly: 'yes', appendfsync: 'always' });
  const [one, two] = [await startProcess(server), await startProcess(server)];
  await share(one, two);
  await one.call('set', 'tagged', 1, { tags: ['meanwhile'] });
  await two.until('tagged', 1);
  await server.kill();
  await one.call('revalidateTag', 'meanwhile');
  await server.restart();
  await share(one, two);
  for (const process of [one, two, await startProcess(server)])
    await process.until('tagged', undefined);
});

test('Redis is full: what is there is found still, and shared again when there is room', async () => {
  const server = await startRedis({ 'maxmemory-policy': 'noeviction' });
  const [one, two] = [await startProcess(server), await startProcess(server)];
  await share(one, two);
  await one.call('set', 'before', 1);
  await eventually(
    () => inRedis(server, async (redis) => (await redis.exists(keyOf('user before'))) === 1),
    'it is shared',
  );
  await inRedis(server, (redis) => redis.config('SET', 'maxmemory', '1'));
  for (let round = 0; round < 20; round++) {
    await one.call('set', `full ${round}`, round);
    expect(await one.call('get', `full ${round}`)).toBe(round);
  }
  await eventually(async () => count(one, TAKES_NONE) === 1, 'it says so');
  expect(one.output).toContain('PUFF_REDIS_OOM');
  expect(await two.call('get', 'before')).toBe(1);
  await goesOn(one);
  await inRedis(server, (redis) => redis.config('SET', 'maxmemory', '0'));
  await share(one, two);
  expect(count(one, TAKES_NONE)).toBe(1);
});

test('Redis is a replica: entries of its master are found, and nothing is put', async () => {
  const master = await startRedis();
  const one = await startProcess(master);
  await one.call('set', 'of the master', 1);
  const replica = await startRedis({ replicaof: `127.0.0.1 ${master.port}` });
  const two = await startProcess(replica, 2000);
  await two.until('of the master', 1);
  for (let round = 0; round < 5; round++) await two.call('set', `of two ${round}`, round);
  await eventually(async () => count(two, TAKES_NONE) === 1, 'it says so');
  expect(two.output).toContain('PUFF_REDIS_READONLY');
  await goesOn(two);
});

test('Redis loads its data', async () => {
  const settings = { save: '60 1000000', 'enable-debug-command': 'yes', rdbcompression: 'no' };
  const server = await startRedis(settings);
  const [one, two] = [await startProcess(server), await startProcess(server)];
  await share(one, two);
  await one.call('set', 'loaded', 1);
  await eventually(
    () => inRedis(server, async (redis) => (await redis.exists(keyOf('user loaded'))) === 1),
    'it is shared',
  );
  await inRedis(server, async (redis) => {
    await redis.call('DEBUG', 'POPULATE', '1000', 'filler', '100');
    await redis.save();
  });
  // A millisecond for each key.
  const slow = { ...settings, 'key-load-delay': '4000' };
  await server.restart({ settings: slow, waitsUntilReady: false });
  await goesOn(one);
  await goesOn(two);
  await share(one, two);
  await two.until('loaded', 1);
});

describe('a poisoned entry', () => {
  const VALUE = { text: 'x'.repeat(100) };
  type Poison = (redis: Redis, key: string) => Promise<unknown>;
  const poisons: [string, Poison][] = [
    ['garbage for a value', (redis, key) => redis.hset(key, 'value', Buffer.from([0xff, 0, 1]))],
    [
      'one byte of the value changed',
      async (redis, key) => {
        const value = (await redis.hgetBuffer(key, 'value')) as Buffer;
        value[value.length - 1] = (value.at(-1) as number) ^ 1;
        await redis.hset(key, 'value', value);
      },
    ],
    [
      'a value that is cut off',
      async (redis, key) => {
        const value = (await redis.hgetBuffer(key, 'value')) as Buffer;
        await redis.hset(key, 'value', value.subarray(0, 20));
      },
    ],
    ['no value', (redis, key) => redis.hdel(key, 'value')],
    ['tags that are none', (redis, key) => redis.hset(key, 'tags', 'none')],
    ['a time that is none', (redis, key) => redis.hset(key, 'created', 'yesterday')],
    ['another version', (redis, key) => redis.hset(key, 'check', '2-00000000')],
    [
      'a string',
      async (redis, key) => {
        await redis.del(key);
        await redis.set(key, 'garbage');
      },
    ],
    [
      'a list',
      async (redis, key) => {
        await redis.del(key);
        await redis.rpush(key, 'a', 'b');
      },
    ],
  ];

  test('is none, is made anew, and is reported once', async () => {
    const server = await startRedis();
    const [one, two] = [await startProcess(server, 2000), await startProcess(server, 2000)];
    await share(one, two);
    for (const [name, poison] of poisons) {
      await one.call('set', name, VALUE);
      await inRedis(server, async (redis) => {
        const key = keyOf(`user ${name}`);
        await eventually(async () => (await redis.exists(key)) === 1, 'it is shared');
        await poison(redis, key);
        expect(await two.call('get', name)).toBeUndefined();
        await eventually(async () => (await redis.exists(key)) === 0, `${name} is gone`);
        // Replaced, and found by others.
        expect(await two.call('wrap', name, 'anew')).toBe('anew');
        await eventually(async () => (await redis.exists(key)) === 1, 'it is there again');
        const three = await startProcess(server, 2000);
        expect(await three.call('get', name)).toBe('anew');
        await three.stop();
      });
    }
    expect(count(two, 'is damaged, or of another version')).toBe(1);
    expect(two.output).toContain('user garbage for a value');
    expect(count(two, KEEPS_TO_ITSELF)).toBe(0);
  });
});
