// Runs one of the servers that are compared.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;

/**
 * Starts a server on a free port and waits until it answers; returns `{ port, pid, stop }`.
 *
 * @param name for messages
 * @param command gives the program and its arguments for a port
 * @param ask asks the server on a port something; it has started when that answers with `ok`
 * @param env variables beside those of this process, `PORT` and `NODE_ENV`
 */
export async function startServer(name, command, ask, env = {}) {
  const port = await freePort();
  const [file, ...options] = command(port);
  const child = spawn(file, options, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PORT: `${port}`,
      NODE_ENV: 'production',
      NEXT_TELEMETRY_DISABLED: '1',
      ...env,
    },
  });
  const exit = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output = (output + text).slice(-10_000);
    });
  }
  const stop = async () => {
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    child.kill('SIGTERM');
    await exit;
    clearTimeout(kill);
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  let answer = 'nothing';
  while (Date.now() < deadline && child.exitCode === null) {
    // Until somebody listens.
    const response = await ask(port).catch(() => undefined);
    if (response?.ok) return { port, pid: child.pid, stop };
    if (response !== undefined) answer = `${response.status} ${await response.text()}`;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop();
  throw new Error(`${name} did not start. It answered ${answer} and printed:\n${output}`);
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
