// Measures one operation on one server.
import { load } from './load.mjs';
import { removeNewVotes } from './polls.mjs';
import { cpuSeconds, machineCpuSeconds, ownCpuSeconds, residentMemory } from './processes.mjs';
import { FOREIGN_CORES } from './report.mjs';

/** A measurement that others disturb is taken again, but not for ever. */
const ATTEMPTS = 3;

/**
 * Loads a server and returns speed, latencies, CPU time and memory.
 *
 * @param server what `startContestant` returned
 * @param database of `startTemporaryPostgres`
 * @param seconds how long to warm up and to measure
 */
export async function measure(server, database, operation, seconds) {
  let measurement;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    await load(server.url, operation, seconds.warmUp);
    measurement = await measureOnce(server, database, operation, seconds.measured);
    if (operation === 'M1') await removeNewVotes(database.url);
    if (measurement.foreignCores <= FOREIGN_CORES) break;
  }
  return measurement;
}

async function measureOnce(server, database, operation, seconds) {
  const before = clocks(server, database);
  const { requests, seconds: took, errors, p50, p99 } = await load(server.url, operation, seconds);
  const after = clocks(server, database);
  const spent = (clock) => after[clock] - before[clock];
  const foreign = spent('machine') - spent('server') - spent('postgres') - spent('load');
  return {
    operation,
    requestsPerSecond: requests / took,
    p50,
    p99,
    errors,
    serverCpuMs: (spent('server') * 1000) / requests,
    storeCpuMs: (spent('postgres') * 1000) / requests,
    foreignCores: Math.max(0, foreign / took),
    peakMemoryMb: residentMemory(server.pid),
  };
}

function clocks(server, database) {
  return {
    server: cpuSeconds(server.pid),
    postgres: cpuSeconds(database.pid),
    // The load generator has ended when this is read; the servers run on and are not in it.
    load: ownCpuSeconds(),
    machine: machineCpuSeconds(),
  };
}
