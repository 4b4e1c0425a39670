import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { anyFreePort } from '../../dist/embedded/port.js';
import { Certificates } from './support/certificates.ts';
import { redisResources } from './support/redis-resources.ts';
import type { RedisServer } from './support/redis-server.ts';

jest.setTimeout(120_000);
const { start, open } = redisResources();

let own: Certificates;
let foreign: Certificates;

beforeAll(() => {
  own = new Certificates('redis.test');
  foreign = new Certificates('redis.test');
});

afterAll(() => {
  own.remove();
  foreign.remove();
});

async function startTls(): Promise<{ server: RedisServer; port: number }> {
  const port = await anyFreePort('127.0.0.1');
  const server = await start({
    settings: {
      port: 0,
      'tls-port': port,
      'tls-cert-file': own.certificateFile,
      'tls-key-file': own.keyFile,
      'tls-ca-cert-file': own.caFile,
      'tls-auth-clients': 'no',
    },
  });
  return { server, port };
}

test('a server with TLS is used where its certificate is right', async () => {
  const { port } = await startTls();
  const right = open({
    url: `rediss://127.0.0.1:${port}`,
    tls: { ca: own.ca, serverName: 'redis.test' },
  });
  expect(await right.command(['ECHO', 'private'])).toBe('private');
  const byFile = open({
    host: '127.0.0.1',
    port,
    tls: { ca: own.caFile, serverName: 'redis.test' },
  });
  expect(await byFile.command(['PING'])).toBe('PONG');
  const unchecked = open({ host: '127.0.0.1', port, tls: { rejectUnauthorized: false } });
  expect(await unchecked.command(['PING'])).toBe('PONG');
});

test.each([
  [
    'of another authority',
    () => ({ ca: foreign.ca, serverName: 'redis.test' }),
    /TLS: .*(certificate|signature)/i,
  ],
  [
    'of an authority that nobody knows',
    () => ({ serverName: 'redis.test' }),
    /TLS: .*UnknownIssuer/,
  ],
  ['for another name', () => ({ ca: own.ca, serverName: 'other.test' }), /TLS: .*other\.test/],
  ['for a name, at an address', () => ({ ca: own.ca }), /TLS: .*127\.0\.0\.1/],
])('a certificate %s is refused, and said so', async (_, tls, message) => {
  const { port } = await startTls();
  const wrong = open({ host: '127.0.0.1', port, tls: tls() });
  await expect(wrong.command(['PING'])).rejects.toMatchObject({
    code: 'PUFF_REDIS_CONNECT',
    message: expect.stringMatching(message),
  });
});

test('TLS to a server without it, and plain text to one with it, end in bounded errors', async () => {
  const plain = await start();
  const { port } = await startTls();
  const limits = { connectTimeoutMs: 500, offlineWaitMs: 500 };
  const begun = Date.now();
  for (const connection of [
    open({ host: '127.0.0.1', port: plain.port, tls: true, ...limits }),
    open({ host: '127.0.0.1', port, ...limits }),
  ]) {
    await expect(connection.command(['PING'])).rejects.toMatchObject({
      code: expect.stringMatching(/^PUFF_REDIS_(CONNECT|PROTOCOL)$/),
    });
  }
  expect(Date.now() - begun).toBeLessThan(20_000);
});

test('a Unix socket, and a database by number', async () => {
  const server = await start();
  const path = join(server.directory, 'redis.sock');
  await server.restart({ settings: { unixsocket: path } });
  const second = open({ url: `unix://${path}?db=2` });
  await second.command(['SET', 'where', 'second']);
  expect(await open({ path }).command(['GET', 'where'])).toBeNull();
  expect(await open({ url: `${server.url}/2` }).command(['GET', 'where'])).toBe('second');
  await expect(open({ path, database: 99 }).command(['PING'])).rejects.toMatchObject({
    message: expect.stringContaining('DB index is out of range'),
  });
  await expect(open({ path: `${path}.none` }).command(['PING'])).rejects.toMatchObject({
    code: 'PUFF_REDIS_CONNECT',
    message: expect.stringContaining('no such socket'),
  });
});

test('users have the rights that the server gives them, with both protocols', async () => {
  const server = await start();
  await open({ url: server.url }).command([
    'ACL',
    'SETUSER',
    'reader',
    'on',
    '>geheim',
    '~open:*',
    '+get',
    '+hello',
    '+select',
  ]);
  for (const protocol of [2, 3] as const) {
    const reader = open({
      host: '127.0.0.1',
      port: server.port,
      username: 'reader',
      password: 'geheim',
      protocol,
    });
    expect(await reader.command(['GET', 'open:a'])).toBeNull();
    for (const refused of [
      ['GET', 'closed'],
      ['SET', 'open:a', 1],
    ]) {
      await expect(reader.command(refused)).rejects.toMatchObject({ code: 'PUFF_REDIS_AUTH' });
    }
    const unknown = open({
      host: '127.0.0.1',
      port: server.port,
      username: 'nobody',
      password: 'geheim',
      protocol,
    });
    const error = await unknown.command(['GET', 'open:a']).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'PUFF_REDIS_AUTH' });
    expect(String(error)).not.toContain('geheim');
  }
});

test('RESP3 has its own shapes', async () => {
  const server = await start();
  const connection = open({ url: server.url, protocol: 3 });
  await connection.command(['HSET', 'hash', 'a', 1]);
  await connection.command(['ZADD', 'scores', '1.5', 'x']);
  expect(await connection.command(['ZSCORE', 'scores', 'x'])).toBe(1.5);
  const pushes: string[] = [];
  connection.onPush((push) => pushes.push(push.map(String).join(' ')));
  await connection.command(['SUBSCRIBE', 'news']);
  expect(await connection.command(['PUBLISH', 'news', 'hot'])).toBe(1);
  expect(await connection.command(['GET', 'none'])).toBeNull();
  expect(pushes).toContain('message news hot');
});
