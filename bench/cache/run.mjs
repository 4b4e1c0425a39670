// Question: how fast is a cached page, against `next start` with a cache handler that keeps pages in Redis?
//
// One server at a time, 32 connections, each with one request at a time; the order of the contestants
// alternates between rounds, medians count. Before that all of them must give the same bytes, from their caches.
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildNext, installPackages, nextProgram, puffProgram } from '../graphql/building.mjs';
import { report } from '../graphql/report.mjs';
import { load, measure } from '../http-load.mjs';
import { startRedis } from '../redis-server.mjs';
import { startServer } from '../servers.mjs';

const APP = fileURLToPath(new URL('app', import.meta.url));
const PEER = fileURLToPath(new URL('peer', import.meta.url));
const TARGET = { path: '/page/cached' };

/** By name: the program, the build, the handler from npm if it has one, and whether it has a Redis. */
const contestants = {
  'next + npm handler': { program: nextProgram, setup: 'redis', hasRedis: true },
  'next + npm handler + LRU': { program: nextProgram, setup: 'redis-and-lru', hasRedis: true },
  'next-puff + Redis': { program: puffProgram, setup: 'puff', hasRedis: true },
  'next-puff': { program: puffProgram, setup: 'puff', hasRedis: false },
};

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    // Takes the builds of the last run.
    built: { type: 'boolean', default: false },
  },
});
const names = Object.keys(contestants);

const redis = await startRedis();
try {
  // What they need of Next.js is the app's own.
  await installPackages(PEER, ['--legacy-peer-deps']);
  for (const setup of new Set(names.map((name) => contestants[name].setup))) {
    if (!options.built || !existsSync(`${APP}/.next/${setup}/prerender-manifest.json`)) {
      await buildNext(APP, environment(setup, true));
    }
  }
  await checkAnswers();
  report(await takeTurns(), names, ['page'], names[0], 'Redis');
} finally {
  await redis.stop();
}

function environment(setup, hasRedis) {
  return {
    CACHE_SETUP: setup,
    CACHE_HANDLER: setup === 'puff' ? '' : `${PEER}/${setup}.mjs`,
    REDIS_URL: hasRedis ? redis.url : '',
    // Nothing here asks a database.
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  };
}

/** All contestants give the same bytes, and say that they come from a cache. */
async function checkAnswers() {
  let expected;
  for (const name of names) {
    await withServer(name, async ({ url }) => {
      // Who has no entry yet renders it.
      await fetch(url + TARGET.path);
      const response = await fetch(url + TARGET.path);
      const body = await response.text();
      expected ??= body;
      const cache = response.headers.get('x-nextjs-cache');
      if (response.status !== 200 || cache !== 'HIT' || body !== expected) {
        const same = [...expected].findIndex((letter, index) => letter !== body[index]);
        const rest = body.slice(Math.max(0, same - 100), same + 100);
        throw new Error(
          `${name} answers with ${response.status}, cache ${cache}, at ${same}: ${rest}`,
        );
      }
    });
    console.log(`${name}: the answer is the same, ${expected.length} bytes from the cache`);
  }
}

async function takeTurns() {
  console.log(`\n${cpus().length} cores for load, server and Redis`);
  const measurements = [];
  for (let round = 1; round <= Number(options.rounds); round++) {
    for (const name of round % 2 === 1 ? names : names.toReversed()) {
      await withServer(name, async (server) => {
        await load(server.url, TARGET, 2);
        const measurement = await measure(server, TARGET, Number(options.seconds));
        measurements.push({ name, operation: 'page', ...measurement });
        console.log(
          `round ${round} ${name}: ${measurement.requestsPerSecond.toFixed(0)} requests/s`,
        );
      });
    }
  }
  return measurements;
}

async function withServer(name, use) {
  const { program, setup, hasRedis } = contestants[name];
  const command = (port) => [
    ...[process.execPath, program(APP), 'start', APP],
    ...[`--port=${port}`, '--hostname=127.0.0.1'],
  ];
  const ask = (port) => fetch(`http://127.0.0.1:${port}${TARGET.path}`);
  const { port, pid, stop } = await startServer(name, command, ask, environment(setup, hasRedis));
  try {
    return await use({ url: `http://127.0.0.1:${port}`, pid, storePid: redis.pid });
  } finally {
    await stop();
  }
}
