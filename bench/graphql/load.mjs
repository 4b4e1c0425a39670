// The load: a fixed number of connections, each sends its next request when it has its answer.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { requestsOf } from './operations.mjs';

const CONNECTIONS = 32;

const run = promisify(execFile);
const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'next-puff-bench-'));

const hasWrk = (process.env.PATH ?? '')
  .split(delimiter)
  .some((entry) => existsSync(join(entry, 'wrk')));

/** Which program makes the load. wrk costs least CPU; autocannon takes a core of its own. */
export const loadGenerator = hasWrk ? 'wrk' : 'autocannon';

/**
 * Loads a server for some seconds; returns `{ requests, seconds, errors, p50, p99 }`, latencies in
 * milliseconds. An answer with another status than 2xx or 3xx is an error.
 */
export async function load(url, operation, seconds) {
  const file = join(directory, `${operation}.txt`);
  const lines = requestsOf(operation).map((request) => `${JSON.stringify(request)}\n`);
  writeFileSync(file, lines.join(''));
  const [command, ...options] = hasWrk
    ? ['wrk', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout', '20s']
    : [process.execPath, pathOf('contestants/autocannon.mjs'), `${CONNECTIONS}`, `${seconds}`];
  const script = hasWrk ? ['-s', pathOf('requests.lua'), url, '--', file] : [url, file];
  const { stdout } = await run(command, [...options, ...script]);
  return JSON.parse(/^JSON (.*)$/m.exec(stdout)[1]);
}
