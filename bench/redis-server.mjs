// Runs the Redis that contestants work with.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from './servers.mjs';

/** Starts `redis-server` on a free port and waits until it takes commands; returns `{ url, port, pid, stop }`. */
export async function startRedis(settings = ['--save', '', '--appendonly', 'no']) {
  const port = await freePort();
  const server = spawn(
    process.env.REDIS_SERVER_BIN ?? 'redis-server',
    ['--port', `${port}`, '--bind', '127.0.0.1', ...settings],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exit = once(server, 'exit');
  for await (const text of server.stdout.iterator({ destroyOnReturn: false })) {
    if (`${text}`.includes('Ready to accept connections')) break;
  }
  // What nobody reads would fill the pipe.
  server.stdout.resume();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: server.pid,
    async stop() {
      server.kill();
      await exit;
    },
  };
}
