import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { cleanUp, makeProject, query, UserProcess } from './support/project';

jest.setTimeout(60_000);

afterEach(cleanUp);

// What can be tried depends on who runs the tests: only root can become someone else.
const isRoot = process.geteuid?.() === 0;
const asRoot = isRoot ? describe : describe.skip;
const NOBODY = { uid: 65534, gid: 65534 };

asRoot('as root', () => {
  test('PostgreSQL runs as another account in a directory that others can enter', async () => {
    const directory = makeProject();
    chmodSync(directory, 0o755);
    const { url, pid, dataDirectory } = await new UserProcess(directory).joined();
    expect(statSync(`/proc/${pid}`).uid).not.toBe(0);
    expect(statSync(dataDirectory).uid).toBe(statSync(`/proc/${pid}`).uid);
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('PostgreSQL runs in a directory that only root can enter', async () => {
    const directory = makeProject();
    chmodSync(directory, 0o700);
    const user = new UserProcess(directory);
    const { url, dataDirectory } = await user.joined();
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(dataDirectory.startsWith(directory)).toBe(true);
    await user.stop();
    expect((await new UserProcess(directory).joined()).url).toBe(url);
  });

  test('without user namespaces the data goes where another account can reach it, and says so', async () => {
    const directory = makeProject();
    chmodSync(directory, 0o700);
    const bin = makeProject();
    for (const program of ['mkfifo', 'rm', 'sleep']) {
      const path = [`/usr/bin/${program}`, `/bin/${program}`].find((file) => existsSync(file));
      if (path) symlinkSync(path, join(bin, program));
    }
    chmodSync(bin, 0o755);
    const user = new UserProcess(directory, { env: { PATH: bin } });
    const { url, dataDirectory } = await user.joined();
    try {
      expect(dataDirectory).toMatch(/^\/var\/lib\/next-puff\//);
      expect(user.stderr).toContain(dataDirectory.replace(/\/data$/, ''));
      expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
      expect(await new UserProcess(directory).joined()).toMatchObject({ adopted: true, url });
    } finally {
      await cleanUp();
      const outside = dirname(dataDirectory);
      rmSync(outside, { recursive: true, force: true });
      if (readdirSync(dirname(outside)).length === 0) rmdirSync(dirname(outside));
    }
  });

  test('an ordinary user needs nothing of this', async () => {
    const directory = makeProject();
    chownSync(directory, NOBODY.uid, NOBODY.gid);
    const { url, pid } = await new UserProcess(directory, { ids: NOBODY }).joined();
    expect(statSync(`/proc/${pid}`).uid).toBe(NOBODY.uid);
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('data of another user is an error that says whose it is', async () => {
    const directory = makeProject();
    const data = join(directory, '.puff/postgres/data');
    mkdirSync(data, { recursive: true });
    const owner = new UserProcess(directory);
    rmSync(data, { recursive: true });
    chmodSync(directory, 0o755);
    await owner.joined();
    await owner.stop();
    const puff = join(directory, '.puff');
    for (const path of [puff, join(puff, 'postgres'), join(puff, 'postgres/run')]) {
      chownSync(path, NOBODY.uid, NOBODY.gid);
    }
    chmodSync(data, 0o755);
    chownSync(join(puff, 'postgres/password'), NOBODY.uid, NOBODY.gid);
    chownSync(data, 1, 1);
    const report = await new UserProcess(directory, { ids: NOBODY }).failed();
    expect(report.code).toBe('PUFF_EMBEDDED_START_FAILED');
    expect(report.message).toContain('belongs to user id 1');
  });

  test('a project that may not be written is an error that says so', async () => {
    const directory = makeProject();
    chmodSync(directory, 0o755);
    const report = await new UserProcess(directory, { ids: NOBODY }).failed();
    expect(report.code).toBe('PUFF_EMBEDDED_START_FAILED');
    expect(report.message).toContain('permission denied');
    expect(report.message).toContain('Check who owns the .puff directory');
  });
});
