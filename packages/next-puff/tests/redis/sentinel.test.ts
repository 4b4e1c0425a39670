import { expect, jest, test } from '@jest/globals';
import Redis from 'next-puff/ioredis';
import { loadWith } from './support/load.ts';
import { eventually, redisResources } from './support/redis-resources.ts';

jest.setTimeout(180_000);
const { start, open } = redisResources();

/** A master, its replica, and a sentinel that promotes it when the master is away for half a second. */
async function startGroup() {
  const master = await start();
  const replica = await start({ settings: { replicaof: `127.0.0.1 ${master.port}` } });
  const sentinel = await start({
    sentinel: [
      `sentinel monitor main 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds main 500',
      'sentinel failover-timeout main 3000',
    ],
  });
  const ofSentinel = open({ url: sentinel.url });
  await eventually(async () => {
    const replicas = await ofSentinel.command(['SENTINEL', 'REPLICAS', 'main']);
    expect(JSON.stringify(replicas)).toContain(String(replica.port));
    const ofReplica = open({ url: replica.url });
    expect(await ofReplica.command(['INFO', 'replication'])).toContain('master_link_status:up');
  });
  return { master, replica, sentinel };
}

/** The port of the server that a connection has found. */
async function portOf(connection: { command(args: string[]): Promise<unknown> }): Promise<number> {
  const info = String(await connection.command(['INFO', 'server']));
  return Number(/tcp_port:(\d+)/.exec(info)?.[1]);
}

test('the master is found, and after a failover under load the new one', async () => {
  const { master, replica, sentinel } = await startGroup();
  const silent = await start();
  await silent.kill();
  const connection = open({
    url: `redis+sentinel://127.0.0.1:${silent.port},127.0.0.1:${sentinel.port}/main`,
    commandTimeoutMs: 1_000,
  });
  expect(await portOf(connection)).toBe(master.port);
  const load = loadWith(20, connection);
  await master.kill();
  await eventually(async () => {
    expect(await portOf(connection)).toBe(replica.port);
    await connection.command(['INCR', 'n']);
  });
  await load.stop();
  expect(connection.waiting).toBe(0);
  expect(load.longestMs).toBeLessThan(15_000);
  for (const code of load.codes) {
    expect(code).toMatch(/^PUFF_REDIS_(CLOSED|CONNECT|TIMEOUT|READONLY)$/);
  }
});

test('the client of ioredis follows a failover, too', async () => {
  const { master, replica, sentinel } = await startGroup();
  const client = new Redis({
    sentinels: [{ host: '127.0.0.1', port: sentinel.port }],
    name: 'main',
    retryStrategy: () => 100,
    maxRetriesPerRequest: null,
  });
  client.on('error', () => {});
  try {
    await client.set('key', 'kept');
    await client.wait(1, 5_000);
    expect(await client.info('server')).toContain(`tcp_port:${master.port}`);
    await master.kill();
    await eventually(async () => {
      expect(await client.info('server')).toContain(`tcp_port:${replica.port}`);
    });
    expect(await client.get('key')).toBe('kept');
  } finally {
    client.disconnect();
  }
});

test('a name that the sentinels do not know, and sentinels that are away, are said', async () => {
  const { sentinel } = await startGroup();
  const unknown = open({ sentinels: [`127.0.0.1:${sentinel.port}`], masterName: 'other' });
  await expect(unknown.command(['PING'])).rejects.toMatchObject({
    code: 'PUFF_REDIS_CONNECT',
    message: expect.stringContaining('no master named other'),
  });
  await sentinel.kill();
  const away = open({ sentinels: [`127.0.0.1:${sentinel.port}`], masterName: 'main' });
  await expect(away.command(['PING'])).rejects.toMatchObject({
    code: 'PUFF_REDIS_CONNECT',
    message: expect.stringContaining(String(sentinel.port)),
  });
});
