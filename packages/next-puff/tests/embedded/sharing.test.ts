import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { embeddedPostgresStatus } from 'next-puff/embedded';
import { cleanUp, eventually, makeProject, query, serversOf, UserProcess } from './support/project';

jest.setTimeout(60_000);

afterEach(cleanUp);

describe('one server for all processes of a project', () => {
  test('the first process starts it, the second adopts it, the last one stops it', async () => {
    const directory = makeProject();
    expect(embeddedPostgresStatus(directory)).toMatchObject({ state: 'absent' });

    const first = new UserProcess(directory);
    const started = await first.joined();
    expect(started.adopted).toBe(false);
    await query(started.url, `create table note as select 'kept' as text`);

    const second = new UserProcess(directory);
    const adopted = await second.joined();
    expect(adopted).toMatchObject({ adopted: true, url: started.url, pid: started.pid });
    expect(embeddedPostgresStatus(directory)).toMatchObject({
      state: 'running',
      version: '18',
      url: started.url,
      users: 2,
    });

    await first.stop();
    expect(await query(adopted.url, 'select text from note')).toEqual([{ text: 'kept' }]);
    expect(embeddedPostgresStatus(directory)).toMatchObject({ state: 'running', users: 1 });

    await second.stop();
    expect(embeddedPostgresStatus(directory)).toMatchObject({ state: 'stopped' });
    expect(serversOf(directory)).toEqual([]);
  });

  test('processes that start at the same moment share one server', async () => {
    const directory = makeProject();
    const users = [1, 2, 3, 4].map(() => new UserProcess(directory));
    const joined = await Promise.all(users.map((user) => user.joined()));
    expect(new Set(joined.map(({ pid }) => pid)).size).toBe(1);
    expect(joined.filter(({ adopted }) => !adopted)).toHaveLength(1);
  });

  test('a process may join twice and leave once', async () => {
    const directory = makeProject();
    const { startEmbeddedPostgres } = await import('next-puff/embedded');
    const once = await startEmbeddedPostgres({ directory });
    const twice = await startEmbeddedPostgres({ directory });
    expect([once.adopted, twice.adopted]).toEqual([false, true]);
    await once.stop();
    await once.stop();
    expect(twice.pid).toBeGreaterThan(0);
    expect(await query(twice.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await twice.stop();
    expect(twice.pid).toBeUndefined();
  });

  test('joining while the last user leaves never ends in a dead server', async () => {
    const directory = makeProject();
    let user = new UserProcess(directory);
    await user.joined();
    for (let round = 0; round < 8; round += 1) {
      const next = new UserProcess(directory);
      // Node needs some 50 ms to get going: spread the end of the old over the start of the new.
      await new Promise((resolve) => setTimeout(resolve, 30 + round * 10));
      await user.kill();
      const { url } = await next.joined();
      expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
      user = next;
    }
  });

  test('sessions are UTC, UTF-8, durable and guarded by a password', async () => {
    const directory = makeProject();
    const { url } = await new UserProcess(directory).joined();
    const [row] = await query(
      url,
      `select current_setting('timezone') as zone, current_setting('server_encoding') as encoding,
        current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
        current_setting('max_connections') as connections, current_database() as name`,
    );
    expect(row).toEqual({
      zone: 'UTC',
      encoding: 'UTF8',
      fsync: 'on',
      commit: 'on',
      connections: '100',
      name: 'app',
    });
    const wrong = new URL(url);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  });
});

describe('no orphan', () => {
  test('kill -9 of the only process stops the server within seconds', async () => {
    const directory = makeProject();
    const user = new UserProcess(directory);
    await user.joined();
    await user.kill('SIGKILL');
    await eventually(() => serversOf(directory).length === 0, 'server and watchdog have ended');
    expect(embeddedPostgresStatus(directory)).toMatchObject({ state: 'stopped' });
  });

  test('kill -9 in the middle of the first start leaves nothing that runs and nothing broken', async () => {
    const directory = makeProject();
    for (const delay of [100, 200, 350, 500, 650]) {
      const user = new UserProcess(directory);
      await new Promise((resolve) => setTimeout(resolve, delay));
      await user.kill('SIGKILL');
    }
    await eventually(() => serversOf(directory).length === 0, 'everything has ended');
    const { url } = await new UserProcess(directory).joined();
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a process that just ends does not need to stop it', async () => {
    const directory = makeProject();
    const user = new UserProcess(directory);
    await user.joined();
    user.child.stdin.end();
    await eventually(() => user.child.exitCode !== null, 'node exits by itself');
    expect(user.child.exitCode).toBe(0);
    await eventually(() => serversOf(directory).length === 0, 'the server has ended');
  });
});
