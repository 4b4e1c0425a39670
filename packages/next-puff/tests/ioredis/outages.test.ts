import { describe, expect, jest, test } from '@jest/globals';
import Redis from 'next-puff/ioredis';
import { anyFreePort } from '../../dist/embedded/port.js';
import { nextEvent, redisClients, until } from './support/redis.ts';

jest.setTimeout(120_000);
const redis = redisClients({ settings: { appendonly: 'yes', appendfsync: 'always' } });

/** A client that tells nobody of its errors, but keeps them. */
function quiet(options: Parameters<typeof redis.client>[0] = {}) {
  const errors: Error[] = [];
  const client = redis.client(options);
  client.on('error', (error: Error) => errors.push(error));
  return { client, errors };
}

test('commands survive a server that is killed and comes back under load', async () => {
  const { client } = quiet({ maxRetriesPerRequest: null, retryStrategy: () => 20 });
  await client.set('count', 0);
  let isOver = false;
  let answered = 0;
  const load = Array.from({ length: 20 }, async () => {
    while (!isOver) {
      await client.incr('count');
      answered++;
    }
  });
  await until(() => answered > 200);
  await redis.server.kill();
  await until(() => client.status === 'reconnecting');
  await redis.server.restart();
  const before = answered;
  await until(() => answered > before + 200);
  isOver = true;
  await Promise.all(load);
  // What was written but not answered is sent again, so it may count twice; nothing is lost.
  expect(Number(await client.get('count'))).toBeGreaterThanOrEqual(answered);
});

test('while there is no server, commands fail after so many tries', async () => {
  const { client, errors } = quiet({
    port: await anyFreePort('127.0.0.1'),
    maxRetriesPerRequest: 2,
    retryStrategy: () => 5,
  });
  await expect(client.get('key')).rejects.toMatchObject({ name: 'MaxRetriesPerRequestError' });
  expect(errors[0]).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
});

test('a retry strategy that answers nothing ends the client', async () => {
  const { client } = quiet({ port: await anyFreePort('127.0.0.1'), retryStrategy: () => null });
  const ended = nextEvent(client, 'end');
  await expect(client.get('key')).rejects.toThrow('Connection is closed.');
  await ended;
  expect(client.status).toBe('end');
});

test('without an offline queue commands fail at once', async () => {
  const { client } = quiet({ port: await anyFreePort('127.0.0.1'), enableOfflineQueue: false });
  await expect(client.get('key')).rejects.toThrow('enableOfflineQueue');
});

test('subscriptions, the database and the name come back with the connection', async () => {
  const { client } = quiet({ connectionName: 'listener', retryStrategy: () => 20 });
  const other = redis.client({ db: 5 });
  await client.select(5);
  await client.subscribe('news');
  const heard: string[] = [];
  client.on('message', (_channel, message) => heard.push(message));
  await other.client('KILL', 'TYPE', 'pubsub');
  await until(async () => (await other.publish('news', 'again')) === 1, 'the subscription');
  await until(() => heard.length > 0);
  expect(heard[0]).toBe('again');
  await client.unsubscribe();
  await other.set('where', 'five');
  expect(await client.get('where')).toBe('five');
  expect(await client.client('GETNAME')).toBe('listener');
});

test('a frozen server: commands end in their time, and go on when it goes on', async () => {
  const { client } = quiet({ commandTimeout: 300 });
  await client.set('key', 'value');
  redis.server.freeze();
  await expect(client.get('key')).rejects.toThrow('Command timed out');
  redis.server.thaw();
  await until(async () => (await client.get('key').catch(() => '')) === 'value');
});

test('disconnecting ends blocking commands at once', async () => {
  const { client } = quiet();
  const waiting = client.blpop('nothing', 0);
  await until(async () => String(await redis.client().client('LIST')).includes('cmd=blpop'));
  client.disconnect();
  await expect(waiting).rejects.toThrow('Connection is closed.');
});

test('disconnecting lets replies come to what was sent', async () => {
  const { client } = quiet();
  await client.ping();
  const sent = client.set('last', 'words');
  client.disconnect();
  const late = client.get('last');
  expect(await sent).toBe('OK');
  await expect(late).rejects.toThrow('Connection is closed.');
  await until(() => client.status === 'end');
});

test('reconnectOnError reconnects, and sends the command again where it says so', async () => {
  const { client } = quiet({
    reconnectOnError: (error) => (error.message.startsWith('WRONGTYPE') ? 2 : false),
    retryStrategy: () => 20,
  });
  await client.set('text', 'value');
  client.once('close', () => void redis.client().del('text'));
  expect(await client.lpush('text', 'x')).toBe(1);
});

describe('a server with a password', () => {
  const secured = redisClients({ settings: { requirepass: 'secret' } });

  test('takes it from options and URLs', async () => {
    expect(await secured.client({ password: 'secret' }).ping()).toBe('PONG');
    const client = new Redis(secured.server.url);
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });

  test.each([
    ['a wrong one', { password: 'wrong' }, 'WRONGPASS'],
    ['none', {}, 'NOAUTH'],
  ])('refuses %s, and waiting commands with it', async (_, options, code) => {
    const client = secured.client({ ...options, retryStrategy: () => 20 });
    const failed = nextEvent(client, 'error');
    await expect(client.get('key')).rejects.toThrow(code);
    expect((await failed)[0]).toMatchObject({
      name: 'ReplyError',
      message: expect.stringContaining(code),
    });
  });
});
