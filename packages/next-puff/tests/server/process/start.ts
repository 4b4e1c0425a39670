import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { embeddedPostgresStatus, startTemporaryPostgres } from 'next-puff/embedded';
import { Cli, cli, eventually, FIXTURE_APP, makeProject, processesOf } from '../../cli/support/cli';
import { NO_DATABASE, startFixture } from './fixture';

const PUFF = join(FIXTURE_APP, '.puff');

/** What the app says about its database. */
export async function databaseOf(address: string): Promise<unknown> {
  const response = await fetch(`${address}/api/database`);
  expect(response.status).toBe(200);
  return response.json();
}

/** Expects that the app, its database and all their helpers have ended. */
export async function expectNothingLeft(address: string): Promise<void> {
  // Next.js renames its processes, so that they are recognised by their port only.
  await eventually(
    () =>
      fetch(address).then(
        () => false,
        () => true,
      ),
    `nothing listens on ${address}`,
  );
  await eventually(() => processesOf(FIXTURE_APP).length === 0, 'all processes have ended');
  expect(embeddedPostgresStatus(FIXTURE_APP).state).toBe('stopped');
}

/** `next-puff build` and `next-puff start` with one thread. */
export function startTests(): void {
  describe('next-puff build', () => {
    test('starts no database', () => {
      expect(existsSync(join(FIXTURE_APP, '.next/BUILD_ID'))).toBe(true);
      expect(existsSync(PUFF)).toBe(false);
    });
  });

  describe('next-puff start', () => {
    test('serves the app with the embedded database, warns about it, and ends with SIGTERM', async () => {
      const server = new Cli(['start', FIXTURE_APP, '-p', '0', '-H', '127.0.0.1']);
      const address = await server.address();
      const { port } = embeddedPostgresStatus(FIXTURE_APP);
      expect(await databaseOf(address)).toEqual({ name: 'app', port });
      expect(server.stderr).toMatch(/WARNING: NODE_ENV is "production"/);

      server.kill('SIGTERM');
      expect(await server.outcome()).toMatchObject({ code: 143 });
      expect(embeddedPostgresStatus(FIXTURE_APP).state).toBe('stopped');
    });

    test('uses DATABASE_URL when there is one', async () => {
      const postgres = await startTemporaryPostgres();
      try {
        const server = new Cli(['start', FIXTURE_APP, '-p', '0'], {
          env: { DATABASE_URL: postgres.url },
        });
        expect(await databaseOf(await server.address())).toEqual({
          name: 'app',
          port: postgres.port,
        });
        expect(server.stderr).not.toContain('embedded');
        server.kill('SIGINT');
        expect(await server.outcome()).toMatchObject({ code: 130 });
      } finally {
        await postgres.stop();
      }
    });

    test('keeps the exit code of a server that crashes, and stops the database', async () => {
      const server = new Cli(['start', FIXTURE_APP, '-p', '0']);
      await fetch(`${await server.address()}/api/crash`).catch(() => {});
      expect(await server.outcome()).toMatchObject({ code: 7 });
      expect(embeddedPostgresStatus(FIXTURE_APP).state).toBe('stopped');
    });

    test('a second signal ends a server that waits for a request', async () => {
      const server = new Cli(['start', FIXTURE_APP, '-p', '0']);
      const address = await server.address();
      const hanging = fetch(`${address}/api/hang`).catch(() => 'cut off');
      await sleep(300);
      server.kill('SIGTERM');
      await sleep(500);
      expect(server.process.exitCode).toBeNull();
      server.kill('SIGTERM');
      expect(await server.outcome()).toMatchObject({ code: 137 });
      expect(await hanging).toBe('cut off');
      expect(embeddedPostgresStatus(FIXTURE_APP).state).toBe('stopped');
    });

    test('kill -9 of the CLI leaves nothing running', async () => {
      const server = new Cli(['start', FIXTURE_APP, '-p', '0']);
      const address = await server.address();
      server.kill('SIGKILL');
      await expectNothingLeft(address);
    });
  });

  describe('next-puff start, told how', () => {
    test('prints where it is as `next start` does, and answers there', async () => {
      const server = startFixture();
      const address = await server.address();
      expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(server.stdout).toMatch(/▲ Next\.js 16\.[\d.]+ in next-puff\n- Local: {9}http/);
      const answer = await fetch(address);
      expect(answer.status).toBe(200);
      expect(await answer.text()).toContain('a page');
      expect(await (await fetch(`${address}/api/thread`)).json()).toMatchObject({ thread: 0 });
    });

    test('PORT is the port, and --port comes before it', async () => {
      const taken = createServer().listen(0);
      await once(taken, 'listening');
      const { port } = taken.address() as { port: number };
      try {
        const refused = await cli(['start', FIXTURE_APP], { env: { PORT: String(port) } });
        expect(refused.stderr).toContain('[PUFF_PORT_IN_USE]');
        const server = startFixture([], { PORT: String(port) });
        expect(await server.address()).not.toContain(String(port));
      } finally {
        taken.close();
      }
    });

    test('an app that is not built is told to be', async () => {
      const directory = makeProject({ 'next.config.mjs': 'export default {};' });
      const env = { DATABASE_URL: NO_DATABASE };
      const { code, stderr } = await cli(['start', '-p', '0'], { cwd: directory, env });
      expect(stderr).toContain('is not built');
      expect(stderr).toContain('next-puff build');
      expect(stderr).toContain('[PUFF_NOT_BUILT]');
      expect(code).toBe(1);
    });

    test.each([
      ['--next', ['--next'], {}],
      ['server: false', [], { 'puff.config.ts': 'export default { server: false };' }],
    ])('%s leaves it to `next start`', async (_, args, files) => {
      const directory = makeProject({ 'next.config.mjs': 'export default {};', ...files });
      const env = { DATABASE_URL: NO_DATABASE };
      const command = ['start', '-p', '0', ...args];
      const { code, stderr, stdout } = await cli(command, { cwd: directory, env });
      // Next.js' own words about an app that is not built.
      expect(stdout).toMatch(/▲ Next\.js [\d.]+\n/);
      expect(stderr).toContain('Could not find a production build');
      expect(code).toBe(1);
    });

    test('exits with 2 when it is told something that makes no sense', async () => {
      const mistakes: [string[], string][] = [
        [['--workers', 'many'], '--workers needs a number from 1 to 256, or "auto", not "many".'],
        [['--worker-memory', '1'], '--worker-memory needs a number from 64 on, not "1".'],
        [['--keepAliveTimeout', 'long'], '--keepAliveTimeout needs a number from 0 on'],
        [['--inspect=here'], '--inspect needs a port'],
        [['--experimental-cpu-prof'], "Unknown option '--experimental-cpu-prof'"],
        [['--experimental-cpu-prof'], 'add --next'],
        [['.', 'elsewhere'], 'What is elsewhere?'],
      ];
      const outcomes = mistakes.map(([args]) => cli(['start', ...args], { cwd: FIXTURE_APP }));
      for (const [index, { code, stderr }] of (await Promise.all(outcomes)).entries()) {
        expect(stderr).toContain(mistakes[index]?.[1]);
        expect(code).toBe(2);
      }
    });
  });

  describe('a port that is taken', () => {
    let squatter: Server;
    let port: number;

    beforeAll(async () => {
      squatter = createServer().listen(0);
      await once(squatter, 'listening');
      port = (squatter.address() as { port: number }).port;
    });
    afterAll(() => {
      squatter.close();
    });

    test.each(['start', 'dev'])('%s -p says so before anything is started', async (command) => {
      rmSync(PUFF, { recursive: true, force: true });
      const { code, stderr } = await cli([command, FIXTURE_APP, '-p', String(port)]);
      expect(stderr).toContain(`Port ${port} is in use`);
      expect(stderr).toContain('[PUFF_PORT_IN_USE]');
      expect(code).toBe(1);
      expect(existsSync(PUFF)).toBe(false);
    });

    test('PORT counts like -p', async () => {
      const { code, stderr } = await cli(['dev', FIXTURE_APP], { env: { PORT: String(port) } });
      expect(stderr).toContain('[PUFF_PORT_IN_USE]');
      expect(code).toBe(1);
    });
  });
}
