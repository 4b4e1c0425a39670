import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, jest, test } from '@jest/globals';
import { loadWith } from './support/load.ts';
import { eventually, redisResources } from './support/redis-resources.ts';

jest.setTimeout(240_000);
const { start, open } = redisResources();
const MB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Megabytes of the process after a collection. */
function memory(): number {
  collectGarbage();
  return process.memoryUsage.rss() / MB;
}

test('a million commands leave no memory behind', async () => {
  const server = await start();
  const connection = open({ url: server.url });
  const run = async (batches: number) => {
    for (let batch = 0; batch < batches; batch++) {
      const commands = Array.from({ length: 1_000 }, (_, i) =>
        connection.command(['SET', `k${i}`, batch]),
      );
      await Promise.all(commands);
    }
  };
  await run(200);
  const before = memory();
  await run(1_000);
  expect(memory() - before).toBeLessThan(40);
  expect(connection.waiting).toBe(0);
});

test('two hundred reconnections leave neither memory nor sockets behind', async () => {
  const server = await start();
  const connection = open({ url: server.url, retryDelaysMs: [0] });
  const judge = open({ url: server.url });
  const files = () => readdirSync('/proc/self/fd').length;
  const reconnect = async (times: number) => {
    for (let time = 0; time < times; time++) {
      const id = await eventually(() => connection.command(['CLIENT', 'ID']));
      await judge.command(['CLIENT', 'KILL', 'ID', String(id)]);
      await eventually(async () => expect(await connection.command(['CLIENT', 'ID'])).not.toBe(id));
    }
  };
  await reconnect(20);
  const [filesBefore, before] = [files(), memory()];
  await reconnect(200);
  expect(files()).toBeLessThanOrEqual(filesBefore + 2);
  expect(memory() - before).toBeLessThan(20);
  expect(
    String(await judge.command(['CLIENT', 'LIST']))
      .trim()
      .split('\n'),
  ).toHaveLength(2);
});

test('a server that is frozen under load gives bounded errors, and all is well again', async () => {
  const server = await start();
  const connection = open({ url: server.url, commandTimeoutMs: 300 });
  const load = loadWith(50, connection);
  await connection.command(['PING']);
  server.freeze();
  await eventually(async () => expect(load.codes.size).toBeGreaterThan(0));
  server.thaw();
  await eventually(() => connection.command(['PING']));
  await load.stop();
  expect(connection.waiting).toBe(0);
  expect(load.longestMs).toBeLessThan(10_000);
  for (const code of load.codes) expect(code).toMatch(/^PUFF_REDIS_(TIMEOUT|CLOSED|CONNECT)$/);
});

test('a huge value crosses, and one that JavaScript cannot take is refused alone', async () => {
  const server = await start();
  const connection = open({ url: server.url });
  const value = Buffer.alloc(100 * MB, 'large ');
  await connection.command(['SET', 'large', value]);
  const reply = await connection.command(['GET', 'large'], { buffers: true });
  expect(Buffer.compare(reply as Buffer, value)).toBe(0);
  await connection.command(['DEL', 'large']);
  await connection.command(['SETRANGE', 'larger', 300 * MB, 'x']);
  const [refused, after] = await Promise.allSettled([
    connection.command(['GET', 'larger'], { buffers: true }),
    connection.command(['ECHO', 'after'], { buffers: true }),
  ]);
  expect(refused).toMatchObject({ reason: { message: expect.stringContaining('268435455') } });
  expect(after).toMatchObject({ status: 'fulfilled' });
});
