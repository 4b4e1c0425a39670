import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { RedisServer } from './support/redis-server.ts';

const PROGRAM = new URL('support/redis-server.ts', import.meta.url).pathname;
const servers: RedisServer[] = [];

async function startServer(...args: Parameters<typeof RedisServer.start>): Promise<RedisServer> {
  const server = await RedisServer.start(...args);
  servers.push(server);
  return server;
}

afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));

/** Sends one inline command on a connection of its own and answers what comes back first. */
async function ask(server: RedisServer, command: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write(`${command}\r\n`);
    return await firstChunk(socket);
  } finally {
    socket.destroy();
  }
}

async function firstChunk(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString().trim();
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a server takes its settings, and another one after a restart, on the same port', async () => {
  const server = await startServer({ settings: { requirepass: 'secret' } });
  expect(server.url).toBe(`redis://:secret@127.0.0.1:${server.port}`);
  expect(await ask(server, 'PING')).toMatch('-NOAUTH');
  await server.restart({ settings: {} });
  expect(await ask(server, 'PING')).toBe('+PONG');
});

test('what a killed server had appended to its file is there again', async () => {
  const server = await startServer({ settings: { appendonly: 'yes', appendfsync: 'always' } });
  expect(await ask(server, 'SET name value')).toBe('+OK');
  await server.kill();
  await expect(ask(server, 'PING')).rejects.toThrow('ECONNREFUSED');
  await server.restart();
  expect(await ask(server, 'GET name')).toBe('$5\r\nvalue');
});

test('a frozen server answers when it is thawed', async () => {
  const server = await startServer();
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  server.freeze();
  socket.write('PING\r\n');
  const answer = firstChunk(socket);
  server.thaw();
  expect(await answer).toBe('+PONG');
  socket.destroy();
});

test('a server that cannot start says why', async () => {
  await expect(RedisServer.start({ settings: { maxmemory: 'lots' } })).rejects.toThrow('maxmemory');
});

test('a server ends with the process that started it, whatever ended that', async () => {
  const starter = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--import',
      'jiti/register',
      '--eval',
      `const { default: module } = await import(${JSON.stringify(PROGRAM)});
      const { pid, directory } = await module.RedisServer.start();
      console.log(JSON.stringify({ pid, directory }));
      setInterval(() => {}, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(starter.stdout, 'data')) as [Buffer];
  const { pid, directory } = JSON.parse(line.toString());
  expect(isRunning(pid)).toBe(true);
  starter.kill('SIGKILL');
  const deadline = Date.now() + 30_000;
  while ((isRunning(pid) || existsSync(directory)) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(isRunning(pid)).toBe(false);
  expect(existsSync(directory)).toBe(false);
}, 60_000);
