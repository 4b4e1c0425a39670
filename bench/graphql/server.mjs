// Runs a contestant.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { HEADERS } from './check.mjs';
import { requestsOf } from './operations.mjs';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;

/** Starts a contestant and waits until it answers; returns its URL, process number and `stop`. */
export async function startContestant(name, { command, path }, databaseUrl) {
  const port = await freePort();
  const [file, ...options] = command(port);
  const child = spawn(file, options, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      PORT: `${port}`,
      NODE_ENV: 'production',
      NEXT_TELEMETRY_DISABLED: '1',
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
  const url = `http://127.0.0.1:${port}${path}`;
  const deadline = Date.now() + START_TIMEOUT_MS;
  let answer = 'nothing';
  while (Date.now() < deadline && child.exitCode === null) {
    const response = await ask(url);
    if (response?.ok) return { url, pid: child.pid, stop };
    if (response !== undefined) answer = `${response.status} ${await response.text()}`;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop();
  throw new Error(`${name} did not start. It answered ${answer} and printed:\n${output}`);
}

async function ask(url) {
  try {
    const body = JSON.stringify(requestsOf('Q4', 1)[0]);
    return await fetch(url, { method: 'POST', headers: HEADERS, body });
  } catch {
    // Nobody listens yet.
    return undefined;
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
