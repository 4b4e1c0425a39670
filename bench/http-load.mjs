// Loads an HTTP server with wrk (`apt-get install wrk`): anything slower would measure itself.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  cpuSeconds,
  machineCpuSeconds,
  ownCpuSeconds,
  residentMemory,
} from './graphql/processes.mjs';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('request.lua', import.meta.url));
const CONNECTIONS = 32;

/**
 * Measures a server under load.
 *
 * @param server its origin, its process, and that of a database that works for it, if there is one
 */
export async function measure(server, target, seconds) {
  const clocks = () => ({
    server: cpuSeconds(server.pid),
    store: server.storePid === undefined ? 0 : cpuSeconds(server.storePid),
    load: ownCpuSeconds(),
    machine: machineCpuSeconds(),
  });
  const before = clocks();
  const { requests, seconds: took, errors, p50, p99 } = await load(server.url, target, seconds);
  const after = clocks();
  const spent = (clock) => after[clock] - before[clock];
  return {
    requestsPerSecond: requests / took,
    p50,
    p99,
    errors,
    serverCpuMs: (spent('server') * 1000) / requests,
    storeCpuMs: (spent('store') * 1000) / requests,
    foreignCores: Math.max(
      0,
      (spent('machine') - spent('server') - spent('store') - spent('load')) / took,
    ),
    peakMemoryMb: residentMemory(server.pid),
  };
}

/** Sends the same request over and over on all connections, each with one at a time. */
export async function load(url, { path, body }, seconds) {
  const arguments_ = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout', '20s', '-s', SCRIPT];
  const { stdout } = await run('wrk', [...arguments_, url + path, '--', ...(body ? [body] : [])]);
  return JSON.parse(/^JSON (.*)$/m.exec(stdout)[1]);
}
