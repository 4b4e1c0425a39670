import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, jest, test } from '@jest/globals';
import { anyFreePort } from '../../dist/embedded/port.js';
import { redis } from '../../dist/redis/index.js';
import { eventually, redisResources } from './support/redis-resources.ts';
import type { RedisServer } from './support/redis-server.ts';

jest.setTimeout(120_000);
const { start, open } = redisResources();
const entrances: Server[] = [];

afterEach(async () => {
  for (const entrance of entrances.splice(0)) entrance.close();
});

/** An address behind which servers are exchanged, as a name or a load balancer does it. */
async function entrance(target: () => number): Promise<number> {
  const port = await anyFreePort('127.0.0.1');
  const server = createServer((near: Socket) => {
    const far = connect(target(), '127.0.0.1');
    near.pipe(far).pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  entrances.push(server);
  return port;
}

test('while a server loads its data waits are bounded, and then it is used', async () => {
  const server = await start();
  const filling = open({ url: server.url });
  await filling.command(['EVAL', "for i = 1, 8000 do redis.call('SET', 'key' .. i, i) end", 0]);
  await filling.command(['SAVE']);
  filling.close();
  await server.kill();
  await server.restart({
    settings: { 'key-load-delay': 700, 'loading-process-events-interval-bytes': 1_024 },
    waitsUntilReady: false,
  });
  const connection = open({ url: server.url, offlineWaitMs: 300 });
  const begun = Date.now();
  await eventually(async () => {
    const error = await connection.command(['GET', 'key1']).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'PUFF_REDIS_LOADING' });
  });
  expect(Date.now() - begun).toBeLessThan(20_000);
  expect(await eventually(() => connection.command(['GET', 'key8000']))).toBe('8000');
});

test('an address whose server was demoted is asked again, and calls under way are answered', async () => {
  const master = await start();
  const replica = await start({ settings: { replicaof: `127.0.0.1 ${master.port}` } });
  let target: RedisServer = replica;
  const port = await entrance(() => target.port);
  const { NEXT_PUFF_CONFIG } = process.env;
  process.env.NEXT_PUFF_CONFIG = JSON.stringify({
    publisher: 'cli',
    settings: {
      postgres: {},
      requests: {},
      pubsub: {},
      tasks: {},
      cache: {},
      redis: { clients: { moved: { host: '127.0.0.1', port } } },
    },
  });
  const client = redis.client('moved');
  try {
    expect(await client.get('nothing')).toBeNull();
    target = master;
    const read = client.command(['EVAL_RO', 'for i = 1, 1000000 do end return 7', 0]);
    expect(await client.set('key', 'written')).toBe('OK');
    expect(await read).toBe(7);
    expect(await client.get('key')).toBe('written');
    // Where the address goes on meaning a replica, the error says so.
    target = replica;
    await open({ url: master.url }).command(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    await eventually(() => client.get('key'));
    await expect(client.set('key', 'again')).rejects.toMatchObject({
      code: 'PUFF_REDIS_READONLY',
      hint: expect.stringContaining('master'),
    });
  } finally {
    await client.end();
    if (NEXT_PUFF_CONFIG === undefined) delete process.env.NEXT_PUFF_CONFIG;
    else process.env.NEXT_PUFF_CONFIG = NEXT_PUFF_CONFIG;
  }
});

test('a server that is out of memory takes no writes, answers reads, and writes again with room', async () => {
  const server = await start({ settings: { 'maxmemory-policy': 'noeviction' } });
  const connection = open({ url: server.url });
  await connection.command(['SET', 'a', 'x'.repeat(100_000)]);
  await connection.command(['CONFIG', 'SET', 'maxmemory', '1mb']);
  await expect(connection.command(['SET', 'b', 1])).rejects.toMatchObject({
    code: 'PUFF_REDIS_OOM',
    hint: expect.stringContaining('maxmemory'),
  });
  expect(await connection.command(['STRLEN', 'a'])).toBe(100_000);
  await connection.command(['CONFIG', 'SET', 'maxmemory', '0']);
  expect(await connection.command(['SET', 'b', 1])).toBe('OK');
});

test('redirects of a cluster are errors that say what to use instead', async () => {
  const node = async () =>
    start({
      settings: { 'cluster-enabled': 'yes', 'cluster-port': await anyFreePort('127.0.0.1') },
    });
  const [first, second] = [await node(), await node()];
  const [one, two] = [open({ url: first.url }), open({ url: second.url })];
  await one.command(['CLUSTER', 'ADDSLOTSRANGE', 0, 8_191]);
  await two.command(['CLUSTER', 'ADDSLOTSRANGE', 8_192, 16_383]);
  const bus = /:(\d+)@(\d+)/.exec(String(await two.command(['CLUSTER', 'NODES'])));
  await one.command(['CLUSTER', 'MEET', '127.0.0.1', second.port, Number(bus?.[2])]);
  for (const connection of [one, two]) {
    await eventually(async () => {
      expect(await connection.command(['CLUSTER', 'INFO'])).toContain('cluster_state:ok');
      expect(await connection.command(['CLUSTER', 'INFO'])).toContain('cluster_known_nodes:2');
    });
  }
  // `foo` has slot 12182, `bar` 5061.
  const hint = expect.stringContaining('proxy');
  await expect(one.command(['GET', 'foo'])).rejects.toMatchObject({
    code: 'PUFF_REDIS_MOVED',
    message: expect.stringContaining(`MOVED 12182 127.0.0.1:${second.port}`),
    hint,
  });
  expect(await one.command(['GET', 'bar'])).toBeNull();
  await expect(one.command(['MGET', 'foo', 'bar'])).rejects.toMatchObject({
    code: 'PUFF_REDIS_CLUSTER',
  });
  const other = String(await two.command(['CLUSTER', 'MYID']));
  await one.command(['CLUSTER', 'SETSLOT', 5_061, 'MIGRATING', other]);
  await expect(one.command(['GET', 'bar'])).rejects.toMatchObject({
    code: 'PUFF_REDIS_MOVED',
    message: expect.stringContaining('ASK 5061'),
    hint,
  });
});
