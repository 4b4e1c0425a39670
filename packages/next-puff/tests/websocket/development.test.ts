import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { environment } from '../server/support/built-app.ts';
import { SocketClient, until } from './support/client.ts';
import { FIXTURE_DIR } from './support/socket-app.ts';

const NEXT_PUFF = join(import.meta.dirname, '../../bin/next-puff.js');
const DRAFTS = join(import.meta.dirname, '.puff');

const handler = (greeting: string) => `
  import { upgradeRequired } from 'next-puff/websocket';
  export { upgradeRequired as GET };
  export function UPGRADE(client) {
    client.send('${greeting}');
    client.on('message', (message) => client.send(message));
  }
`;

describe('next-puff dev', () => {
  let dir: string;
  let child: ChildProcess;
  let output = '';
  let url: string;

  const write = (greeting: string) =>
    writeFileSync(join(dir, 'app/edited/route.js'), handler(greeting));

  beforeAll(async () => {
    mkdirSync(DRAFTS, { recursive: true });
    dir = mkdtempSync(join(DRAFTS, 'development-'));
    for (const file of ['package.json', 'puff.config.ts', 'next.config.ts', 'tsconfig.json']) {
      cpSync(join(FIXTURE_DIR, file), join(dir, file));
    }
    mkdirSync(join(dir, 'app/edited'), { recursive: true });
    for (const file of ['layout.tsx', 'page.tsx']) {
      cpSync(join(FIXTURE_DIR, 'app', file), join(dir, 'app', file));
    }
    write('first');
    const port = await freePort();
    url = `ws://127.0.0.1:${port}/edited`;
    const args = [NEXT_PUFF, 'dev', '-p', String(port), '-H', '127.0.0.1'];
    child = spawn(process.execPath, args, {
      cwd: dir,
      env: environment({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' }),
      detached: true,
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output += chunk;
      });
    }
    await until(() => /Ready in/.test(output) || child.exitCode !== null);
    if (child.exitCode !== null) throw new Error(output);
  }, 120_000);

  afterAll(async () => {
    if (child?.exitCode === null) {
      const closed = once(child, 'close');
      process.kill(-(child.pid as number), 'SIGKILL');
      await closed;
    }
    if (dir) rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  });

  test('handlers are compiled when they are needed, and replaced when they are edited', async () => {
    const client = await SocketClient.connect(url);
    expect(await client.next()).toBe('first');
    client.socket.send('still here');
    expect(await client.next()).toBe('still here');

    write('second');
    expect(await client.closed).toEqual({ code: 1012, reason: 'The handler was replaced' });
    const again = await SocketClient.connect(url);
    expect(await again.next()).toBe('second');

    // What cannot be compiled disturbs nobody who is connected.
    writeFileSync(join(dir, 'app/edited/route.js'), 'export function UPGRADE( {');
    // Until the bundler has seen it, the former handler answers.
    let refused: unknown;
    while (refused === undefined) {
      const former = await SocketClient.connect(url).catch((error) => {
        refused = error;
      });
      await former?.close();
    }
    expect(refused).toMatchObject({ status: 500 });
    again.socket.send('undisturbed');
    expect(await again.next()).toBe('undisturbed');
    await again.close();
  }, 120_000);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
