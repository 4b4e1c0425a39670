import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import Redis from 'next-puff/ioredis';
import { nextEvent, redisClients, until } from './support/redis.ts';

jest.setTimeout(60_000);
const redis = redisClients();
beforeEach(async () => {
  await redis.client().flushall();
});

describe('arguments and replies', () => {
  test('arrays, objects and maps are laid out flat', async () => {
    const client = redis.client();
    await client.mset({ a: '1', b: 2 });
    await client.mset(new Map([['c', '3']]));
    expect(await client.mget(['a', 'b', 'c'])).toEqual(['1', '2', '3']);
    await client.hset('hash', { one: 1, two: '2' });
    await client.hset('hash', new Map([['three', 3]]));
    expect(await client.hgetall('hash')).toEqual({ one: '1', two: '2', three: '3' });
    expect(await client.call('SET', 'd', 'value')).toBe('OK');
    expect(await client.call('GET', ['d'])).toBe('value');
  });

  test('a hash may have any field', async () => {
    const client = redis.client();
    await client.hset('hash', '__proto__', 'value', 'constructor', 'other');
    const hash = await client.hgetall('hash');
    expect(Object.entries(hash)).toEqual([
      ['__proto__', 'value'],
      ['constructor', 'other'],
    ]);
    expect(Object.getPrototypeOf(hash)).toBe(Object.prototype);
  });

  test('bytes go in and come out as they are', async () => {
    const client = redis.client();
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    await client.set(bytes, bytes);
    expect(await client.getBuffer(bytes)).toEqual(bytes);
    await client.rpush('list', bytes, 'text');
    const list = await client.lrangeBuffer('list', 0, -1);
    expect(list).toEqual([bytes, Buffer.from('text')]);
    expect(list.every(Buffer.isBuffer)).toBe(true);
  });

  test('numbers come as text where they are wanted so', async () => {
    const client = redis.client({ stringNumbers: true });
    await client.set('count', '9007199254740993');
    expect(await client.incr('count')).toBe('9007199254740994');
    expect(await client.subscribe('news')).toBe('1');
  });

  test('keys get their prefix, arguments do not', async () => {
    const client = redis.client({ keyPrefix: 'app:' });
    await client.set('a', 'a');
    await client.sort('list', 'STORE', 'sorted');
    expect(await redis.client().keys('*')).toEqual(['app:a']);
    expect(await client.mget('a', 'b')).toEqual(['a', null]);
  });

  test('errors name the command', async () => {
    const client = redis.client();
    await client.set('text', 'value');
    await expect(client.lpush('text', 'x')).rejects.toMatchObject({
      name: 'ReplyError',
      message: expect.stringMatching(/^WRONGTYPE /),
      command: { name: 'lpush', args: ['text', 'x'] },
    });
  });

  test('callbacks are called with the error first', async () => {
    const client = redis.client();
    const answers: unknown[] = [];
    client.set('key', 'value', (error, value) => answers.push(error, value));
    client.call('nonsense', (error) => answers.push(error?.message));
    await until(() => answers.length === 3);
    expect(answers).toEqual([null, 'OK', expect.stringContaining('unknown command')]);
  });
});

describe('pipelines and transactions', () => {
  test('a pipeline answers one pair per command', async () => {
    const client = redis.client();
    const pipeline = client.pipeline([['set', 'key', 'value']]).getBuffer('key');
    expect(pipeline.length).toBe(2);
    expect(await pipeline.lpush('key', 'x').hgetall('none').exec()).toEqual([
      [null, 'OK'],
      [null, Buffer.from('value')],
      [expect.objectContaining({ name: 'ReplyError' })],
      [null, {}],
    ]);
    expect(await client.pipeline().exec()).toEqual([]);
  });

  test('a transaction answers what EXEC answers', async () => {
    const client = redis.client();
    await client.hset('hash', { a: 1 });
    const transaction = client.multi().set('key', 'value').hgetall('hash').lpush('key', 'x');
    expect(await transaction.exec()).toEqual([
      [null, 'OK'],
      [null, { a: '1' }],
      [expect.objectContaining({ name: 'ReplyError' })],
    ]);
  });

  test('a transaction that Redis refuses fails with what led to it', async () => {
    const transaction = redis.client().multi().set('key', 'value');
    (transaction as unknown as { call(name: string): void }).call('nonsense');
    await expect(transaction.exec()).rejects.toMatchObject({
      message: expect.stringMatching(/^EXECABORT/),
      previousErrors: [{ message: expect.stringContaining('unknown command') }],
    });
  });

  test('a transaction on watched keys that changed answers null', async () => {
    const client = redis.client();
    await client.watch('key');
    await redis.client().set('key', 'other');
    expect(await client.multi().set('key', 'mine').exec()).toBeNull();
  });

  test('a transaction can go command by command', async () => {
    const client = redis.client();
    expect(await client.multi({ pipeline: false })).toBe('OK');
    expect(await client.set('key', 'value')).toBe('QUEUED');
    expect(await client.exec()).toEqual([[null, 'OK']]);
  });
});

describe('scripts', () => {
  const lua = 'return { KEYS[1], ARGV[1], redis.call("GET", KEYS[1]) or "" }';

  test('a script is a method of clients and pipelines, with and without a number of keys', async () => {
    const client = redis.client({ scripts: { fixed: { lua, numberOfKeys: 1 } } }) as Redis &
      Record<'fixed' | 'open' | 'fixedBuffer', (...args: unknown[]) => Promise<unknown>>;
    client.defineCommand('open', { lua });
    expect(await client.fixed('key', 'argument')).toEqual(['key', 'argument', '']);
    expect(await client.open(1, 'key', 'argument')).toEqual(['key', 'argument', '']);
    expect(await client.fixedBuffer(['key', 'argument'])).toEqual(
      ['key', 'argument', ''].map((text) => Buffer.from(text)),
    );
    const multi = client.multi().set('key', 'value') as ReturnType<Redis['multi']> &
      Record<'fixed', (...args: unknown[]) => ReturnType<Redis['multi']>>;
    expect(await multi.fixed('key', 'argument').exec()).toEqual([
      [null, 'OK'],
      [null, ['key', 'argument', 'value']],
    ]);
  });

  test('a script that the server forgot is sent again', async () => {
    const client = redis.client({
      scripts: { one: { lua: 'return 1', numberOfKeys: 0 } },
    }) as Redis & Record<'one', () => Promise<unknown>>;
    expect(await client.one()).toBe(1);
    await client.script('FLUSH');
    expect(await client.one()).toBe(1);
    await client.script('FLUSH');
    const pipeline = client.pipeline() as ReturnType<Redis['pipeline']> &
      Record<'one', () => ReturnType<Redis['pipeline']>>;
    expect(await pipeline.one().exec()).toEqual([[null, 1]]);
  });
});

describe('messages', () => {
  test('subscriptions are counted and messages come as text and as bytes', async () => {
    const [client, publisher] = [redis.client(), redis.client()];
    const heard: unknown[] = [];
    for (const event of ['message', 'messageBuffer', 'pmessage', 'pmessageBuffer']) {
      client.on(event, (...args: unknown[]) => heard.push([event, ...args]));
    }
    expect(await client.subscribe('a', 'b')).toBe(2);
    expect(await client.psubscribe('p*')).toBe(3);
    expect(client.mode).toBe('subscriber');
    await expect(client.get('key')).rejects.toThrow('Connection in subscriber mode');
    await publisher.publish('a', 'one');
    await publisher.publish('pp', 'two');
    await until(() => heard.length === 4);
    expect(heard).toEqual([
      ['message', 'a', 'one'],
      ['messageBuffer', Buffer.from('a'), Buffer.from('one')],
      ['pmessage', 'p*', 'pp', 'two'],
      ['pmessageBuffer', 'p*', Buffer.from('pp'), Buffer.from('two')],
    ]);
    expect(await client.unsubscribe('a')).toBe(2);
    expect(await client.unsubscribe()).toBe(1);
    expect(await client.punsubscribe()).toBe(0);
    expect(client.mode).toBe('normal');
    expect(await client.echo('again')).toBe('again');
  });
});

describe('scans', () => {
  test('streams find keys, members and fields', async () => {
    const client = redis.client();
    const names = Array.from({ length: 300 }, (_, number) => `key:${number}`);
    await client.mset(names.flatMap((name) => [name, '1']));
    await client.sadd('set', names);
    const found = new Set<string>();
    for await (const keys of client.scanStream({ match: 'key:*', count: 50 })) {
      for (const key of keys) found.add(key);
    }
    expect(found).toEqual(new Set(names));
    const members = new Set<string>();
    for await (const some of client.sscanStream('set')) for (const one of some) members.add(one);
    expect(members).toEqual(new Set(names));
  });
});

describe('clients', () => {
  test('take a port and host, a path of options, or a URL', async () => {
    const { port } = redis.server;
    for (const client of [
      new Redis(port, '127.0.0.1', { db: 2 }),
      new Redis(port, { host: '127.0.0.1', db: 2 }),
      new Redis(`redis://127.0.0.1:${port}/2`),
      new Redis(`127.0.0.1:${port}`, { db: 2 }),
    ]) {
      await client.incr('visits');
      client.disconnect();
    }
    const client = redis.client({ db: 2 });
    expect(await client.get('visits')).toBe('4');
    const other = client.duplicate({ db: 0, lazyConnect: true });
    expect(await other.get('visits')).toBeNull();
    other.disconnect();
  });

  test('go through the states of ioredis', async () => {
    const client = redis.client({ lazyConnect: true, connectionName: 'named' });
    const states: string[] = [];
    for (const state of ['connecting', 'connect', 'ready', 'close', 'reconnecting', 'end']) {
      client.on(state, () => states.push(state));
    }
    expect(client.status).toBe('wait');
    await client.connect();
    await expect(client.connect()).rejects.toThrow('already connecting/connected');
    expect(await client.client('GETNAME')).toBe('named');
    const selected = nextEvent(client, 'select');
    await client.select(3);
    expect(await selected).toEqual([3]);
    expect(await client.quit()).toBe('OK');
    await until(() => states.includes('end'));
    expect(states).toEqual(['connecting', 'connect', 'ready', 'close', 'end']);
    await expect(client.get('key')).rejects.toThrow('Connection is closed.');
    await client.connect();
    expect(await client.ping()).toBe('PONG');
  });

  test('say what they do not have', () => {
    const make = (options: object) => () => new Redis({ lazyConnect: true, ...options });
    expect(make({ monitor: true })).toThrow('next-puff/ioredis does not have the option monitor');
    expect(make({ replyMapping: 'resp3' })).toThrow('replyMapping "resp3"');
    expect(() => new Redis.Cluster([])).toThrow('next-puff/ioredis does not have Cluster');
    expect(() => redis.client().monitor()).toThrow('redis-cli monitor');
  });
});
