import { expect, test } from '@jest/globals';
import { openRedisConnection, type RedisSettings } from '../../dist/redis/connection.js';

const wrong = (settings: Record<string, unknown>) =>
  openRedisConnection(settings as RedisSettings)
    .command(['PING'])
    .catch((error) => error);

test.each([
  [{ url: 'localhost:6379' }, 'redis://, rediss://'],
  [{ url: 'http://localhost' }, 'redis://, rediss://'],
  [{ url: 'redis://h:0' }, 'from 1 to 65535'],
  [{ url: 'redis://:geheim/1@h' }, '%2F'],
  [{ url: 'redis://h/first' }, 'database'],
  [{ url: 'redis://h?colour=red' }, 'db is the only one'],
  [{ url: 'redis+sentinel://h:1' }, 'masterName'],
  [{ url: 5 }, 'url must be a string'],
  [{ host: 5 }, 'host'],
  [{ port: 'high' }, 'port'],
  [{ port: 0 }, 'from 1 to 65535'],
  [{ port: 65_536 }, 'port'],
  [{ path: 5 }, 'path'],
  [{ username: 5 }, 'username'],
  [{ password: 1_234_567 }, 'password must be a string'],
  [{ database: -1 }, 'database'],
  [{ tls: { certificate: 'x' } }, 'tls.certificate and tls.key'],
  [{ tls: { ca: '/nowhere/ca.crt' } }, '/nowhere/ca.crt'],
  [{ sentinels: 'h:1', masterName: 'main' }, 'sentinels'],
  [{ sentinels: ['h:x'], masterName: 'main' }, 'from 1 to 65535'],
  [{ sentinels: ['h:1'] }, 'masterName'],
  [{ clientName: 5 }, 'clientName'],
  [{ protocol: 4 }, 'protocol must be 2 or 3'],
  [{ connectTimeoutMs: -1 }, 'connectTimeoutMs'],
  [{ commandTimeoutMs: 'long' }, 'commandTimeoutMs'],
  [{ offlineWaitMs: 1.5 }, 'offlineWaitMs'],
  [{ maxWaiting: -1 }, 'maxWaiting'],
  [{ colour: 'red' }, 'colour'],
])('%j is refused by name', async (settings, named) => {
  const error = await wrong(settings);
  expect(error).toMatchObject({
    code: 'PUFF_REDIS_CONFIG',
    message: expect.stringContaining(named),
  });
  expect(String(error)).not.toMatch(/geheim|1234567/);
});
