import { expect, jest, test } from '@jest/globals';
import Redis, { type RedisOptions } from 'next-puff/ioredis';
import { anyFreePort } from '../../dist/embedded/port.js';
import { Certificates } from '../redis/support/certificates.ts';
import { RedisServer } from '../redis/support/redis-server.ts';
import { redisClients, until } from './support/redis.ts';

jest.setTimeout(120_000);
const redis = redisClients();

test('lazyConnect opens nothing before the first command', async () => {
  const client = redis.client({ lazyConnect: true });
  expect(client.status).toBe('wait');
  expect(await client.ping()).toBe('PONG');
  expect(client.status).toBe('ready');
});

test('keyPrefix is put before keys, db chooses the database', async () => {
  const client = redis.client({ keyPrefix: 'app:', db: 4 });
  await client.mset('a', 1, 'b', 2);
  const plain = redis.client({ db: 4 });
  expect((await plain.keys('*')).sort()).toEqual(['app:a', 'app:b']);
  expect(await redis.client().exists('app:a')).toBe(0);
});

test('maxRetriesPerRequest and retryStrategy bound waits for a server that is not there', async () => {
  const times: number[] = [];
  const client = redis.client({
    port: await anyFreePort('127.0.0.1'),
    maxRetriesPerRequest: 3,
    retryStrategy: (time) => {
      times.push(time);
      return 1;
    },
  });
  client.on('error', () => {});
  await expect(client.get('key')).rejects.toMatchObject({ name: 'MaxRetriesPerRequestError' });
  expect(times.slice(0, 4)).toEqual([1, 2, 3, 4]);
});

test('connectTimeout and commandTimeout bound what a frozen server delays', async () => {
  const errors: Error[] = [];
  const open = redis.client({ commandTimeout: 100 });
  await open.ping();
  redis.server.freeze();
  await expect(open.get('key')).rejects.toThrow('Command timed out');
  const late = redis.client({ connectTimeout: 100, retryStrategy: () => 20 });
  late.on('error', (error) => errors.push(error));
  await until(() => errors.length > 0);
  expect(errors[0]).toMatchObject({ code: 'ETIMEDOUT' });
  redis.server.thaw();
  await until(() => late.status === 'ready');
});

test('enableReadyCheck waits until the data is loaded', async () => {
  const server = await RedisServer.start();
  try {
    const filling = new Redis(server.port, '127.0.0.1');
    await filling.eval("for i = 1, 4000 do redis.call('SET', 'key' .. i, i) end", 0);
    await filling.save();
    filling.disconnect();
    await server.kill();
    await server.restart({
      settings: { 'key-load-delay': 500, 'loading-process-events-interval-bytes': 1_024 },
      waitsUntilReady: false,
    });
    const client = new Redis({
      port: server.port,
      host: '127.0.0.1',
      maxRetriesPerRequest: null,
      maxLoadingRetryTime: 50,
    });
    client.on('error', () => {});
    expect(await client.get('key4000')).toBe('4000');
    client.disconnect();
  } finally {
    await server.stop();
  }
});

test('tls takes the names of node:tls', async () => {
  const certificates = new Certificates('redis.test');
  const port = await anyFreePort('127.0.0.1');
  const server = await RedisServer.start({
    settings: {
      port: 0,
      'tls-port': port,
      'tls-cert-file': certificates.certificateFile,
      'tls-key-file': certificates.keyFile,
      'tls-ca-cert-file': certificates.caFile,
      'tls-auth-clients': 'no',
    },
  });
  try {
    const tls = { ca: certificates.ca, servername: 'redis.test' };
    expect(await redis.client({ port, tls }).ping()).toBe('PONG');
    const wrong = redis.client({ port, tls: { ca: certificates.ca }, maxRetriesPerRequest: 0 });
    const errors: Error[] = [];
    wrong.on('error', (error) => errors.push(error));
    await expect(wrong.ping()).rejects.toMatchObject({ name: 'MaxRetriesPerRequestError' });
    expect(String(errors[0])).toContain('TLS');
  } finally {
    await server.stop();
    certificates.remove();
  }
});

test.each<[RedisOptions & Record<string, unknown>, RegExp]>([
  [{ port: 'high' as unknown as number }, /port is a whole number from 1 to 65535/],
  [{ port: 70_000 }, /port is a whole number/],
  [{ db: -1 }, /db is a whole number/],
  [{ sentinels: [] }, /sentinels is a list/],
  [{ sentinels: [{ host: 'h' }] }, /needs name/],
  [{ sentinels: [{ host: 'h', port: 0 }], name: 'main' }, /sentinels.port/],
  [{ sentinels: [{ host: 'h' }], name: 'main', role: 'slave' }, /role "slave"/],
  [{ sentinels: [{ host: 'h' }], name: 'main', tls: {} }, /enableTLSForSentinelMode/],
  [{ sentinels: [{ host: 'h' }], name: 'main', natMap: {} }, /natMap/],
  [{ monitor: true }, /redis-cli monitor/],
  [{ socketTimeout: 5 }, /commandTimeout/],
])('%j is refused', (options, message) => {
  expect(() => new Redis({ lazyConnect: true, ...options })).toThrow(message);
});

test('monitor() says what to use', () => {
  expect(() => redis.client().monitor()).toThrow('redis-cli monitor');
});
