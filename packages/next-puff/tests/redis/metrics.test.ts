import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import {
  closeServer,
  type NativeServer,
  startNativeServer,
} from '../../dist/server/native-server.js';
import { eventually, redisResources } from './support/redis-resources.ts';

jest.setTimeout(120_000);
const { start, open } = redisResources();
let native: NativeServer;

beforeAll(async () => {
  native = await startNativeServer({
    listen: [{ host: '127.0.0.1', port: 0 }],
    metrics: { path: '/metrics', listen: [] },
  });
});

afterAll(() => native && closeServer(native.id));

/** The numbers of a server: what `/metrics` says behind `puff_redis_<name>`, by its other labels. */
async function numbersOf(server: string): Promise<Record<string, number>> {
  const text = await (await fetch(`http://${native.addresses[0]}/metrics`)).text();
  const lines = text.matchAll(/^puff_redis_(\w+)\{server="([^"]+)",?(.*)\} (\S+)$/gm);
  const ofServer = [...lines].filter(([, , name]) => name === server);
  return Object.fromEntries(
    ofServer.map(([, name, , labels, value]) => [
      `${name}${labels && `{${labels}}`}`,
      Number(value),
    ]),
  );
}

test('connections, commands, errors, reconnections and latencies are counted by server', async () => {
  const server = await start();
  const name = `127.0.0.1:${server.port}/3`;
  const connection = open({ url: `${server.url}/3`, commandTimeoutMs: 200 });
  const other = open({ url: `${server.url}/3` });
  await connection.batch(Array.from({ length: 10 }, (_, i) => ['SET', `key${i}`, i]));
  await expect(connection.command(['INCR', 'key0', 'more'])).rejects.toThrow();
  const blocked = other.command(['BLPOP', 'list', 0], { isBlocking: true });
  blocked.catch(() => {});
  await eventually(async () =>
    expect(await numbersOf(name)).toMatchObject({
      connections: 2,
      in_flight: 1,
      commands_total: 12,
      reconnections_total: 0,
      'errors_total{code="PUFF_REDIS_REPLY"}': 1,
      command_seconds_count: 2,
      'command_seconds_bucket{le="+Inf"}': 2,
    }),
  );
  expect((await numbersOf(name)).command_seconds_sum).toBeGreaterThan(0);
  server.freeze();
  await expect(connection.command(['GET', 'key1'])).rejects.toMatchObject({
    code: 'PUFF_REDIS_TIMEOUT',
  });
  await server.kill();
  await expect(blocked).rejects.toMatchObject({ code: 'PUFF_REDIS_CLOSED' });
  await eventually(async () =>
    expect(await numbersOf(name)).toMatchObject({
      connections: 0,
      in_flight: 0,
      'errors_total{code="PUFF_REDIS_TIMEOUT"}': 1,
      'errors_total{code="PUFF_REDIS_CLOSED"}': 1,
    }),
  );
  await server.restart();
  await eventually(() => connection.command(['PING']));
  await eventually(async () =>
    expect(await numbersOf(name)).toMatchObject({ connections: 2, reconnections_total: 2 }),
  );
  connection.close();
  other.close();
  await eventually(async () =>
    expect(await numbersOf(name)).toMatchObject({ connections: 0, in_flight: 0 }),
  );
});
