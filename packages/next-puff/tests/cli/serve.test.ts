import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { embeddedPostgresStatus, startTemporaryPostgres } from 'next-puff/embedded';
import { Cli, cleanUp, cli, eventually, FIXTURE_APP, processesOf } from './support/cli';

jest.setTimeout(60_000);

const PUFF = join(FIXTURE_APP, '.puff');
const forget = () => {
  for (const name of ['.puff', '.next']) {
    rmSync(join(FIXTURE_APP, name), { recursive: true, force: true });
  }
};

beforeAll(async () => {
  forget();
  const { code, stderr, stdout } = await cli(['build', FIXTURE_APP]);
  if (code !== 0) throw new Error(`${stdout}${stderr}`);
}, 180_000);

afterEach(async () => {
  await cleanUp();
  await eventually(() => processesOf(FIXTURE_APP).length === 0, 'all processes have ended');
});
afterAll(forget);

/** What the app says about its database. */
async function databaseOf(address: string): Promise<unknown> {
  const response = await fetch(`${address}/api/database`);
  expect(response.status).toBe(200);
  return response.json();
}

/** Expects that the app, its database and all their helpers have ended. */
async function expectNothingLeft(address: string): Promise<void> {
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

describe('next-puff dev', () => {
  test('serves the app with the embedded database, which `run` shares, and ends with SIGINT', async () => {
    const server = new Cli(['dev', FIXTURE_APP, '-p', '0']);
    const address = await server.address();
    const { port, url } = embeddedPostgresStatus(FIXTURE_APP);
    expect(await databaseOf(address)).toEqual({ name: 'app', port });

    const second = await cli(['run', 'where'], { cwd: FIXTURE_APP });
    expect(second).toMatchObject({ code: 0, stdout: `${url}\n` });
    expect(second.stderr).toContain('which another process started');
    expect(embeddedPostgresStatus(FIXTURE_APP)).toMatchObject({ state: 'running', port });

    server.kill('SIGINT');
    expect((await server.outcome()).signal).toBeNull();
    await expectNothingLeft(address);
  });

  test('kill -9 of the CLI leaves nothing running', async () => {
    const server = new Cli(['dev', FIXTURE_APP, '-p', '0']);
    const address = await server.address();
    server.kill('SIGKILL');
    await expectNothingLeft(address);
  });
});
