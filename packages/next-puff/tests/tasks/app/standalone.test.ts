import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import { anyFreePort } from '../../../dist/embedded/port.js';
import { eventually } from '../../cli/support/cli.ts';
import { resultOf, schedule, TasksApp } from './tasks-app.ts';

const WORKSPACE = resolve(import.meta.dirname, '../../../../..');
const PREPARED_MS = 240_000;

let database: TemporaryPostgres;
let app: TasksApp;
let output: string;
let server: ChildProcess | undefined;

beforeAll(async () => {
  database = await startTemporaryPostgres();
  app = new TasksApp(database.url);
  const env = { DATABASE_URL: '', FIXTURE_ROOT: WORKSPACE };
  const { code, stdout, stderr } = await app.run(['build'], env);
  if (code !== 0) throw new Error(`next-puff build failed:\n${stdout}${stderr}`);
  output = mkdtempSync(join(tmpdir(), 'next-puff-standalone-tasks-'));
  const standalone = join(app.directory, '.next/standalone');
  cpSync(standalone, output, { recursive: true, verbatimSymlinks: true });
}, PREPARED_MS);

afterAll(async () => {
  if (server !== undefined && server.exitCode === null && server.signalCode === null) {
    server.kill('SIGKILL');
    await once(server, 'close');
  }
  app?.remove();
  rmSync(output, { recursive: true, force: true });
  await database?.stop();
});

test('the server of a standalone output works on the tasks of the app', async () => {
  const port = await anyFreePort('127.0.0.1');
  const { NODE_ENV: _mode, NEXT_PUFF_CONFIG: _config, ...inherited } = process.env;
  server = spawn(process.execPath, ['puff-server.mjs'], {
    cwd: join(output, relative(WORKSPACE, app.directory)),
    env: {
      ...(inherited as NodeJS.ProcessEnv),
      ...app.env,
      FIXTURE_NAME: 'standalone',
      HOSTNAME: '127.0.0.1',
      NODE_OPTIONS: '',
      PORT: String(port),
    },
  });
  let log = '';
  for (const stream of [server.stdout, server.stderr]) {
    stream?.on('data', (chunk) => {
      log += chunk;
    });
  }
  await eventually(() => {
    if (server?.exitCode !== null) throw new Error(log);
    return /Ready in/.test(log);
  }, 'it is ready');
  const origin = `http://127.0.0.1:${port}`;
  const id = await schedule(origin, { to: 'Ada' });
  expect(await resultOf(origin, id)).toMatchObject({ text: 'hello Ada', by: 'standalone' });
  const { ticks } = app;
  await eventually(() => app.ticks >= ticks + 2, 'schedules run');

  const gate = app.gate('finished');
  const last = await schedule(origin, { to: 'Eve', gate: gate.path });
  await eventually(() => app.runs.some((run) => run.id === last), 'the job runs');
  const closed = once(server, 'close');
  server.kill('SIGTERM');
  gate.open();
  expect((await closed)[0]).toBe(143);
  expect(await app.show(last)).toMatchObject({ state: 'completed', starts: 1 });
}, 120_000);
