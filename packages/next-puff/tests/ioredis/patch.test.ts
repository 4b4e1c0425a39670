import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { redisClients } from './support/redis.ts';

const redis = redisClients();
const PACKAGE = new URL('../..', import.meta.url).pathname;

/** What a program of another package prints that loads ioredis in every way there is. */
const PROGRAM = `
const Redis = require('ioredis');
const { Redis: named, default: interop, ReplyError } = require('ioredis');
const client = new Redis(Number(process.argv[1]), '127.0.0.1');
(async () => {
  const imported = await import('ioredis');
  const same = [named, interop, imported.default, imported.Redis].every((one) => one === Redis);
  await client.set('key', 'value');
  const error = await client.incr('key').catch((error) => error);
  console.log(JSON.stringify([Redis.name, same, error instanceof ReplyError]));
  client.disconnect();
})();
`;

test('with the register module ioredis is next-puff/ioredis, however it is loaded', async () => {
  const register = ['--import', 'next-puff/ioredis/register'];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...register, '--eval', PROGRAM, `${redis.server.port}`],
    { cwd: PACKAGE, timeout: 60_000 },
  );
  expect(JSON.parse(stdout)).toEqual(['RedisClient', true, true]);
}, 90_000);
