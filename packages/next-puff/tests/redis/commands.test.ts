import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type Redis, redis } from '../../dist/redis/index.js';
import { RedisServer } from './support/redis-server.ts';

let server: RedisServer;

function publish(config: object | undefined): void {
  process.env.NEXT_PUFF_CONFIG = JSON.stringify({
    publisher: 'cli',
    settings: { postgres: {}, requests: {}, tasks: {}, ...(config && { redis: config }) },
  });
}

beforeAll(async () => {
  server = await RedisServer.start();
  // A busy machine may take long for 64 MB.
  publish({
    url: server.url,
    commandTimeoutMs: 60_000,
    clients: { second: { url: server.url, database: 1 } },
  });
}, 60_000);

beforeEach(() => redis.command(['FLUSHALL']));

afterAll(async () => {
  await redis.client('second').end();
  await redis.end();
  await server.stop();
});

test('strings, counters and lifetimes', async () => {
  expect(await redis.set('a', 'héllo €', { ex: 100 })).toBe('OK');
  expect(await redis.set('a', 'other', { nx: true })).toBeNull();
  expect(await redis.set('b', 1, { xx: true })).toBeNull();
  expect(await redis.get('a')).toBe('héllo €');
  expect(await redis.set('a', 'new', { get: true, keepttl: true })).toBe('héllo €');
  expect(await redis.ttl('a')).toBeGreaterThan(0);
  expect(await redis.persist('a')).toBe(1);
  expect(await redis.ttl('a')).toBe(-1);
  expect(await redis.mset({ x: 1, y: 'two' })).toBe('OK');
  expect(await redis.mget(['x', 'y', 'none'])).toEqual(['1', 'two', null]);
  expect(await redis.incr('x')).toBe(2);
  expect(await redis.decrby('x', 5)).toBe(-3);
  expect(await redis.incrby('x', 2 ** 40)).toBe(2 ** 40 - 3);
  await redis.set('big', '9223372036854775806');
  expect(await redis.incr('big')).toBe(9223372036854775807n);
  expect(await redis.append('y', '!')).toBe(4);
  expect(await redis.del('x', 'y', 'none')).toBe(2);
  expect(await redis.exists('a')).toBe(1);
});

test('lists, hashes, sets, sorted sets and streams', async () => {
  expect(await redis.rpush('l', 'a', 'b', 'c')).toBe(3);
  expect(await redis.rpoplpush('l', 'm')).toBe('c');
  expect(await redis.lmove('l', 'm', 'LEFT', 'RIGHT')).toBe('a');
  expect(await redis.lrange('m', 0, -1)).toEqual(['c', 'a']);
  expect(await redis.hset('h', { name: 'Ann', age: 7 })).toBe(2);
  expect(await redis.hgetall('h')).toEqual({ name: 'Ann', age: '7' });
  expect(await redis.hgetall('none')).toEqual({});
  expect(await redis.sadd('s', 'a', 'b', 'a')).toBe(2);
  expect((await redis.smembers('s')).sort()).toEqual(['a', 'b']);
  expect(await redis.zadd('z', { a: 2, b: 1.5 })).toBe(2);
  expect(await redis.zrange('z', 0, -1)).toEqual(['b', 'a']);
  expect(await redis.zscore('z', 'b')).toBe(1.5);
  const id = await redis.xadd('x', { field: 'value' });
  expect(await redis.xread({ x: '0' })).toEqual([['x', [[id, ['field', 'value']]]]]);
  await redis.xgroupCreate('x', 'group', '0');
  expect(await redis.xreadgroup('group', 'me', { x: '>' })).toEqual([
    ['x', [[id, ['field', 'value']]]],
  ]);
  expect(await redis.xack('x', 'group', id)).toBe(1);
});

test('any bytes come back as they were', async () => {
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 256));
  await redis.set('bytes', bytes);
  expect(await redis.buffers.get('bytes')).toEqual(bytes);
  expect(await redis.command(['STRLEN', 'bytes'])).toBe(1000);
  const large = Buffer.alloc(64 * 1024 * 1024, 'x');
  await redis.set('large', large);
  const back = (await redis.buffers.get('large')) as unknown as Buffer;
  expect(back.equals(large)).toBe(true);
  expect((await redis.get('large'))?.length).toBe(large.length);
}, 120_000);

test('replies keep the order of thousands of commands of any kind', async () => {
  const expected: string[] = [];
  const replies: Promise<unknown>[] = [];
  for (let i = 0; i < 5000; i++) {
    const text = i % 3 === 0 ? `value ${i}` : `${'wert €'.repeat(i % 50)} ${i}`;
    expected.push(text);
    replies.push(redis.command(['ECHO', text], { buffers: i % 7 === 0 }));
  }
  expect((await Promise.all(replies)).map(String)).toEqual(expected);
});

test('pipelines, transactions and scripts', async () => {
  const replies = await redis.pipeline().command('SET', 'k', 1).command('LPUSH', 'k', 1).exec();
  expect(replies[0]).toBe('OK');
  expect(replies[1]).toMatchObject({ code: 'PUFF_REDIS_REPLY', reason: 'WRONGTYPE' });
  expect(await redis.multi().command('INCR', 'k').command('INCR', 'k').exec()).toEqual([2, 3]);
  await expect(redis.multi().command('INCR', 'k').command('NO').exec()).rejects.toMatchObject({
    code: 'PUFF_REDIS_REPLY',
  });
  expect(await redis.get('k')).toBe('3');
  const add = redis.script("return redis.call('INCRBY', KEYS[1], ARGV[1])");
  expect(await add(['k'], [10])).toBe(13);
  await redis.command(['SCRIPT', 'FLUSH']);
  expect(await add(['k'], [10])).toBe(23);
});

test('a watched key that changes stops a transaction', async () => {
  await redis.set('k', 1);
  const increment = (interferes: boolean) =>
    redis.transaction(async (transaction) => {
      await transaction.watch('k');
      const value = Number(await transaction.get('k'));
      if (interferes) await redis.set('k', 10);
      return transaction.exec([['SET', 'k', value + 1]]);
    });
  expect(await increment(true)).toBeNull();
  expect(await increment(false)).toEqual(['OK']);
  expect(await redis.get('k')).toBe('11');
});

test('a command that blocks delays nobody and can be aborted', async () => {
  const popped = redis.blpop(['queue'], 30);
  await redis.rpush('queue', 'job');
  expect(await popped).toEqual(['queue', 'job']);
  const controller = new AbortController();
  const waiting = redis.blpop(['queue'], 0, { signal: controller.signal });
  expect(await redis.ping()).toBe('PONG');
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await redis.rpush('queue', 'kept');
  expect(await redis.lpop('queue')).toBe('kept');
});

test('scans find all keys', async () => {
  await Promise.all(Array.from({ length: 300 }, (_, i) => redis.set(`scan:${i}`, i)));
  const found = new Set<string>();
  for await (const key of redis.scan({ match: 'scan:*', count: 50 })) found.add(key);
  expect(found.size).toBe(300);
});

test('named clients are other servers', async () => {
  const second: Redis = redis.client('second');
  await second.set('only here', 1);
  expect(await redis.get('only here')).toBeNull();
  await expect(redis.client('third').ping()).rejects.toMatchObject({
    code: 'PUFF_REDIS_NOT_CONFIGURED',
    message: expect.stringContaining('second'),
  });
});

test('what is no argument is refused before anything is sent', async () => {
  await expect(redis.set('k', undefined as never)).rejects.toMatchObject({
    code: 'PUFF_REDIS_ARGUMENT',
  });
  expect(await redis.ping()).toBe('PONG');
});
