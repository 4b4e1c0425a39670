// `withPuff(config, { patch: ['pg'] })` in a real app.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testServer } from './support/server.ts';

const APP = join(import.meta.dirname, 'fixture-app');
const NEXT = createRequire(import.meta.url).resolve('next/dist/bin/next');
const database = testServer();

function next(args: string[], variant: string): { child: ChildProcess; output: () => string } {
  const { NODE_ENV: _, NEXT_PUFF_CONFIG: __, ...inherited } = process.env;
  const child = spawn(process.execPath, [NEXT, ...args], {
    cwd: APP,
    detached: true,
    env: {
      ...inherited,
      NEXT_TELEMETRY_DISABLED: '1',
      DATABASE_URL: database.url,
      FIXTURE_DIST_DIR: `.next/${variant}`,
    } as Record<string, string> as NodeJS.ProcessEnv,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      text += chunk;
    });
  }
  return { child, output: () => text };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

describe.each(['turbopack', 'webpack', 'dev'])('built and run with %s', (variant) => {
  let server: ChildProcess | undefined;
  let address: string;

  beforeAll(async () => {
    if (variant !== 'dev') {
      const build = next(['build', ...(variant === 'webpack' ? ['--webpack'] : [])], variant);
      const [code] = await once(build.child, 'close');
      if (code !== 0) throw new Error(build.output());
    }
    const port = await freePort();
    const command = variant === 'dev' ? 'dev' : 'start';
    const running = next([command, '--port', String(port), '--hostname', '127.0.0.1'], variant);
    server = running.child;
    address = `http://127.0.0.1:${port}`;
    const deadline = Date.now() + 60_000;
    while (!running.output().includes('Ready')) {
      if (Date.now() > deadline || server.exitCode !== null) throw new Error(running.output());
      await sleep(50);
    }
  }, 180_000);

  afterAll(async () => {
    if (server?.pid === undefined || server.exitCode !== null) return;
    process.kill(-server.pid, 'SIGKILL');
    await once(server, 'close');
  });

  test('route handlers and pages get next-puff/pg', async () => {
    const direct = await (await fetch(`${address}/api/direct`)).json();
    expect(direct).toEqual({ answer: 42, isNodePostgres: false });
    expect(await (await fetch(address)).text()).toContain('page 42 false');
  }, 60_000);

  test('so do dependencies', async () => {
    const answer = await (await fetch(`${address}/api/dependency`)).json();
    expect(answer).toEqual({ answer: 42, isNodePostgres: false, isAdapterOnNodePostgres: false });
  }, 60_000);
});
