import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { embeddedPostgresStatus } from 'next-puff/embedded';
import { cleanUp, eventually, makeProject, query, serversOf, UserProcess } from './support/project';

jest.setTimeout(60_000);

afterEach(cleanUp);

/** Starts a server with one committed row and returns what to find again later. */
async function startWithRow(directory: string) {
  const user = new UserProcess(directory);
  const joined = await user.joined();
  await query(joined.url, 'create table note (text text)');
  await query(joined.url, `insert into note values ('committed')`);
  return { user, ...joined };
}

const expectRow = async (url: string) =>
  expect(await query(url, 'select text from note')).toEqual([{ text: 'committed' }]);

describe('recovery', () => {
  test('a killed server comes back on the same port while its users go on', async () => {
    const directory = makeProject();
    const { url, pid } = await startWithRow(directory);
    process.kill(pid, 'SIGKILL');
    await eventually(() => {
      const status = embeddedPostgresStatus(directory);
      return status.state === 'running' && status.pid !== pid;
    }, 'a new server runs');
    await expectRow(url);
  });

  test('data survives kill -9 of everything', async () => {
    const directory = makeProject();
    const { user, url } = await startWithRow(directory);
    const everything = serversOf(directory);
    expect(everything.length).toBeGreaterThan(2); // watchdog and server, at least
    for (const pid of everything) process.kill(pid, 'SIGKILL');
    await user.kill('SIGKILL');

    const again = await new UserProcess(directory).joined();
    expect(again).toMatchObject({ adopted: false, url });
    await expectRow(again.url);
  });

  test('a server whose watchdog was killed is stopped and started again by the next user', async () => {
    const directory = makeProject();
    const { user, pid } = await startWithRow(directory);
    for (const watchdog of serversOf(directory).filter(
      (candidate) => candidate !== pid && isShell(candidate),
    )) {
      process.kill(watchdog, 'SIGKILL');
    }
    await user.kill('SIGKILL');
    expect(serversOf(directory)).toContain(pid);

    const next = new UserProcess(directory);
    const joined = await next.joined();
    expect(joined.pid).not.toBe(pid);
    await expectRow(joined.url);
    await next.stop();
    expect(serversOf(directory)).toEqual([]);
  });

  test('half a watchdog still stops the server at the end', async () => {
    const directory = makeProject();
    const { user, pid } = await startWithRow(directory);
    const record = JSON.parse(readFileSync(join(directory, '.puff/postgres/server.json'), 'utf8'));
    process.kill(record.watchdog.pid, 'SIGKILL');
    expect(serversOf(directory)).toContain(pid);
    await user.kill('SIGKILL');
    await eventually(() => serversOf(directory).length === 0, 'the server has ended');
  });

  test('the lock of a dead process is taken over', async () => {
    const directory = makeProject();
    const { user } = await startWithRow(directory);
    await user.stop();
    const lock = join(directory, '.puff/postgres/start.lock');
    // A living process with this number, but not the one that made the lock.
    writeFileSync(lock, JSON.stringify({ pid: process.pid, started: 'another time' }));
    await expectRow((await new UserProcess(directory).joined()).url);
    expect(readdirSync(join(directory, '.puff/postgres'))).not.toContain('start.lock');
  });

  test('a postmaster.pid whose number belongs to another process now is no obstacle', async () => {
    const directory = makeProject();
    const { user, dataDirectory, pid } = await startWithRow(directory);
    const file = join(dataDirectory, 'postmaster.pid');
    const before = readFileSync(file, 'utf8');
    await user.stop();
    // A second server of the same account, so that PostgreSQL takes the number for a living server.
    const other = await startWithRow(makeProject());
    writeFileSync(file, before.replace(String(pid), String(other.pid)));
    await expectRow((await new UserProcess(directory).joined()).url);
    await expectRow(other.url);
  });

  test('a lost password is replaced', async () => {
    const directory = makeProject();
    const { user, url } = await startWithRow(directory);
    await user.stop();
    rmSync(join(directory, '.puff/postgres/password'));
    const joined = await new UserProcess(directory).joined();
    expect(joined.url).not.toBe(url);
    await expectRow(joined.url);
  });
});

function isShell(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('next-puff-watchdog');
}
