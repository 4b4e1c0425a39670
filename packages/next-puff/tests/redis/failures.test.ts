import { expect, test } from '@jest/globals';
import { anyFreePort } from '../../dist/embedded/port.js';
import { redis } from '../../dist/redis/index.js';
import { withEnvironment } from './support/environment.ts';
import { loadWith } from './support/load.ts';
import { eventually, redisResources } from './support/redis-resources.ts';
import type { RedisServerOptions } from './support/redis-server.ts';

const { start: startWith, open } = redisResources();
const start = (settings: RedisServerOptions['settings'] = {}) => startWith({ settings });

test('without a configuration the error says how to configure it', async () => {
  const NEXT_PUFF_CONFIG = JSON.stringify({
    publisher: 'cli',
    settings: { postgres: {}, requests: {}, tasks: {} },
  });
  await withEnvironment({ NEXT_PUFF_CONFIG, REDIS_URL: undefined }, async () => {
    await expect(redis.ping()).rejects.toMatchObject({
      code: 'PUFF_REDIS_NOT_CONFIGURED',
      message: expect.stringContaining('REDIS_URL'),
    });
  });
});

test('a server that is down at the start gives bounded errors, and is found when it comes', async () => {
  const server = await start();
  await server.kill();
  const connection = open({ url: server.url });
  const begun = Date.now();
  await expect(connection.command(['PING'])).rejects.toMatchObject({ code: 'PUFF_REDIS_CONNECT' });
  expect(Date.now() - begun).toBeLessThan(15_000);
  await server.restart();
  expect(await eventually(() => connection.command(['PING']))).toBe('PONG');
}, 90_000);

test('a server that is killed under load gives errors, and all commands end', async () => {
  const server = await start();
  const connection = open({ url: server.url });
  const load = loadWith(50, connection);
  await connection.command(['PING']);
  await server.kill();
  await eventually(async () => expect(load.codes.size).toBeGreaterThan(0));
  await server.restart();
  await eventually(() => connection.command(['PING']));
  await load.stop();
  expect(connection.waiting).toBe(0);
  for (const code of load.codes) {
    expect(['PUFF_REDIS_CLOSED', 'PUFF_REDIS_CONNECT']).toContain(code);
  }
}, 120_000);

test('a frozen server times out, and is used again when it thaws', async () => {
  const server = await start();
  const connection = open({ url: server.url, commandTimeoutMs: 300 });
  await eventually(() => connection.command(['SET', 'a', 1]));
  server.freeze();
  await expect(connection.command(['GET', 'a'])).rejects.toMatchObject({
    code: expect.stringMatching(/^PUFF_REDIS_(TIMEOUT|CLOSED)$/),
  });
  server.thaw();
  expect(await eventually(() => connection.command(['GET', 'a']))).toBe('1');
}, 90_000);

test('a wrong password is said so at once', async () => {
  const server = await start({ requirepass: 'right' });
  const wrong = open({ host: '127.0.0.1', port: server.port, password: 'wrong' });
  await expect(wrong.command(['PING'])).rejects.toMatchObject({ code: 'PUFF_REDIS_AUTH' });
  const missing = open({ host: '127.0.0.1', port: server.port });
  await expect(missing.command(['PING'])).rejects.toMatchObject({ code: 'PUFF_REDIS_AUTH' });
  const right = open({ host: '127.0.0.1', port: server.port, password: 'right' });
  expect(await right.command(['PING'])).toBe('PONG');
}, 90_000);

test('a replica, a full server and a cluster without slots are named', async () => {
  const master = await start();
  const replica = await start({ replicaof: `127.0.0.1 ${master.port}` });
  const onReplica = open({ url: replica.url });
  await eventually(() => onReplica.command(['GET', 'a']));
  await expect(onReplica.command(['SET', 'a', 1])).rejects.toMatchObject({
    code: 'PUFF_REDIS_READONLY',
  });
  const full = await start({ maxmemory: '1mb', 'maxmemory-policy': 'noeviction' });
  const onFull = open({ url: full.url });
  await expect(
    onFull.command(['SET', 'a', 'x'.repeat(2_000_000)]).then(() => onFull.command(['SET', 'b', 1])),
  ).rejects.toMatchObject({ code: 'PUFF_REDIS_OOM' });
  const cluster = await start({
    'cluster-enabled': 'yes',
    'cluster-port': await anyFreePort('127.0.0.1'),
  });
  const onCluster = open({ url: cluster.url });
  await expect(onCluster.command(['SET', 'a', 1])).rejects.toMatchObject({
    code: 'PUFF_REDIS_CLUSTER',
  });
}, 120_000);

test('subscriptions confirm, bring messages and end', async () => {
  const server = await start();
  const [subscriber, publisher] = [open({ url: server.url }), open({ url: server.url })];
  const messages: string[] = [];
  subscriber.onPush((push) => messages.push(push.map(String).join(' ')));
  expect(await subscriber.command(['SUBSCRIBE', 'a', 'b'])).toEqual(['subscribe', 'b', 2]);
  expect(await subscriber.command(['PSUBSCRIBE', 'c*'])).toEqual(['psubscribe', 'c*', 3]);
  expect(await publisher.command(['PUBLISH', 'a', 'one'])).toBe(1);
  expect(await publisher.command(['PUBLISH', 'cc', 'two'])).toBe(1);
  await eventually(async () => expect(messages).toEqual(['message a one', 'pmessage c* cc two']));
  expect(await subscriber.command(['UNSUBSCRIBE'])).toMatchObject({ 0: 'unsubscribe', 2: 1 });
  await subscriber.command(['PUNSUBSCRIBE']);
  expect(await subscriber.command(['ECHO', 'normal again'])).toBe('normal again');
}, 90_000);

test('closing ends what blocks, and a retry that says no ends the connection', async () => {
  const server = await start();
  const connection = open({ url: server.url });
  const blocked = connection.command(['BLPOP', 'none', 0], { isBlocking: true });
  const second = connection.command(['PING']);
  connection.close();
  await expect(blocked).rejects.toMatchObject({ code: 'PUFF_REDIS_CLOSED' });
  await expect(second).rejects.toMatchObject({ code: 'PUFF_REDIS_CLOSED' });
  const attempts: number[] = [];
  await server.kill();
  const giving = open({
    url: server.url,
    offlineWaitMs: 0,
    retryDelay: (attempt) => {
      attempts.push(attempt);
      return attempt < 3 ? 1 : null;
    },
  });
  await expect(giving.command(['PING'])).rejects.toMatchObject({ code: 'PUFF_REDIS_CONNECT' });
  expect(attempts).toEqual([1, 2, 3]);
}, 90_000);

test('commands under way are sent again where that was asked for', async () => {
  const server = await start();
  const connection = open({ url: server.url, resends: true, offlineWaitMs: 0 });
  await connection.command(['PING']);
  server.freeze();
  const replies = Promise.all([1, 2, 3].map((n) => connection.command(['ECHO', n])));
  await new Promise((resolve) => setImmediate(resolve));
  await server.kill();
  await server.restart();
  expect(await replies).toEqual(['1', '2', '3']);
}, 90_000);
