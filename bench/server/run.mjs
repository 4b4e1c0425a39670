// Question: what does the Rust server in front of Next.js save, against `next start` on the same build?
//
// One server at a time, 32 connections, each with one request at a time; the order of the contestants
// alternates between rounds, medians count. Before that all of them must give the same bytes.
// wrk makes the load (`apt-get install wrk`): anything slower would measure itself.
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildNext, nextProgram, puffProgram } from '../graphql/building.mjs';
import { residentMemory } from '../graphql/processes.mjs';
import { report } from '../graphql/report.mjs';
import { load, measure } from '../http-load.mjs';
import { startServer } from '../servers.mjs';
import { requestOf, targets } from './targets.mjs';

const APP = fileURLToPath(new URL('app', import.meta.url));

const contestants = {
  next: (port) => [nextProgram(APP), 'start', APP, `--port=${port}`, '--hostname=127.0.0.1'],
  puff: (port) => [puffProgram(), 'start', APP, `--port=${port}`, '--hostname=127.0.0.1'],
  'puff-2': (port) => [...contestants.puff(port), '--workers=2'],
};

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    contestants: { type: 'string', default: Object.keys(contestants).join(',') },
    targets: { type: 'string', default: Object.keys(targets).join(',') },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    million: { type: 'boolean', default: false },
  },
});
const names = options.contestants.split(',');
const chosen = options.targets.split(',');

await buildNext(APP);
await checkAnswers();
if (options.million) await countToAMillion();
else report(await takeTurns(), names, chosen, names[0]);

/** All contestants give the same bytes. */
async function checkAnswers() {
  const bodies = new Map();
  for (const name of names) {
    await withServer(name, async ({ url }) => {
      for (const target of chosen) {
        const response = await fetch(url + targets[target].path, requestOf(targets[target]));
        const body = await response.text();
        const expected = bodies.get(target) ?? body;
        bodies.set(target, expected);
        if (response.status !== 200 || body !== expected) {
          throw new Error(`${name} answers ${target} with ${response.status}:\n${body}`);
        }
      }
    });
    console.log(`${name}: the answers are the same`);
  }
}

async function takeTurns() {
  console.log(`\n${cpus().length} cores for load and server`);
  const measurements = [];
  for (let round = 1; round <= Number(options.rounds); round++) {
    for (const name of round % 2 === 1 ? names : names.toReversed()) {
      await withServer(name, async (server) => {
        for (const target of chosen) {
          await load(server.url, targets[target], 2);
          const measurement = await measure(server, targets[target], Number(options.seconds));
          measurements.push({ name, operation: target, ...measurement });
          console.log(
            `round ${round} ${name} ${target}: ${measurement.requestsPerSecond.toFixed(0)} requests/s`,
          );
        }
      });
    }
  }
  return measurements;
}

/** Memory after each 100,000 of a million requests, all targets in turn. */
async function countToAMillion() {
  for (const name of names) {
    await withServer(name, async (server) => {
      const memory = [];
      for (let hundredThousand = 1; hundredThousand <= 10; hundredThousand++) {
        let left = 100_000;
        while (left > 0) {
          for (const target of chosen)
            left -= (await load(server.url, targets[target], 1)).requests;
        }
        memory.push(Math.round(residentMemory(server.pid, 'VmRSS')));
      }
      console.log(`${name}: resident MB after each 100,000 requests: ${memory.join(', ')}`);
    });
  }
}

async function withServer(name, use) {
  const ask = (port) => fetch(`http://127.0.0.1:${port}/api/json`);
  // Nothing here asks a database.
  const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
  const command = (port) => [process.execPath, ...contestants[name](port)];
  const { port, pid, stop } = await startServer(name, command, ask, env);
  try {
    return await use({ url: `http://127.0.0.1:${port}`, pid });
  } finally {
    await stop();
  }
}
