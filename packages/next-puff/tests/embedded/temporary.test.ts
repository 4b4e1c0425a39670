import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import { query } from './support/project';

jest.setTimeout(60_000);

let server: TemporaryPostgres;

beforeAll(async () => {
  server = await startTemporaryPostgres({ settings: { max_connections: '7' } });
  await query(server.url, `create table note as select 'kept' as text`);
});

afterAll(() => server.stop());

test('it takes settings', async () => {
  const [row] = await query(server.url, `select current_setting('max_connections') as max`);
  expect(row).toEqual({ max: '7' });
});

test.each(['fast', 'immediate'] as const)(
  '%s restart: same address, running query cut off',
  async (mode) => {
    const before = server.pid;
    await query(server.url, 'checkpoint'); // without fsync a crash may lose what is younger
    const running = query(server.url, 'select pg_sleep(60)').catch((error: Error) => error);
    await sleep(100);
    await server.restart({ mode });
    expect(await running).toBeInstanceOf(Error);
    expect(server.pid).not.toBe(before);
    expect(await query(server.url, 'select text from note')).toEqual([{ text: 'kept' }]);
  },
);

test('a killed server stays down until it is restarted', async () => {
  await query(server.url, 'checkpoint');
  await server.kill();
  expect(server.pid).toBeUndefined();
  await sleep(400); // longer than the watchdog waits before it starts a server again
  await expect(query(server.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await server.restart();
  expect(await query(server.url, 'select text from note')).toEqual([{ text: 'kept' }]);
});

test('stop removes its directory', async () => {
  const other = await startTemporaryPostgres();
  const directory = dirname(other.dataDirectory);
  expect(existsSync(directory)).toBe(true);
  await other.stop();
  expect(existsSync(directory)).toBe(false);
});
