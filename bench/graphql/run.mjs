// Question: how fast are GraphQL operations over PostgreSQL, against what users would choose instead and
// against a server written by hand?
//
// One server at a time, 32 connections, each with one request at a time; the order of the contestants
// alternates between rounds, medians count. Before that all of them must give the same right answers.
// PostgreSQL is as durable as it is by default.
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { startTemporaryPostgres } from 'next-puff/embedded';
import { checkAnswers } from './check.mjs';
import { contestants } from './contestants.mjs';
import { loadGenerator } from './load.mjs';
import { measure } from './measure.mjs';
import { operations } from './operations.mjs';
import { removeNewVotes, seed } from './polls.mjs';
import { report } from './report.mjs';
import { startContestant } from './server.mjs';

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    contestants: { type: 'string', default: Object.keys(contestants).join(',') },
    queries: { type: 'string', default: Object.keys(operations).join(',') },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    check: { type: 'boolean', default: false },
  },
});
const names = listOf('contestants', contestants);
const queries = listOf('queries', operations);

const database = await startTemporaryPostgres({
  settings: {
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    shared_buffers: '256MB',
    // Between measurements, not in them.
    autovacuum: 'off',
  },
});
try {
  await seed(database.url);
  const ready = {};
  for (const name of names) {
    console.log(`building ${name}: ${contestants[name].what}`);
    ready[name] = { ...contestants[name], command: await contestants[name].build() };
  }
  for (const name of names) {
    await withServer(name, ready[name], (server) => checkAnswers(name, server.url, queries));
    console.log(`${name}: the answers are right`);
  }
  await removeNewVotes(database.url);
  if (!options.check) report(await takeTurns(ready), names, queries, names[0]);
} finally {
  await database.stop();
}

async function takeTurns(ready) {
  const rounds = Number(options.rounds);
  const measured = Number(options.seconds);
  console.log(`\nload by ${loadGenerator}; ${cpus().length} cores for load, server and PostgreSQL`);
  const measurements = [];
  for (let round = 1; round <= rounds; round++) {
    for (const name of round % 2 === 1 ? names : names.toReversed()) {
      await withServer(name, ready[name], async (server) => {
        // A fresh process compiles its code first.
        let warmUp = 5;
        for (const operation of queries) {
          const measurement = await measure(server, database, operation, { warmUp, measured });
          measurements.push({ name, ...measurement });
          console.log(
            `round ${round} ${name} ${operation}: ${measurement.requestsPerSecond.toFixed(0)} requests/s`,
          );
          warmUp = 2;
        }
      });
    }
  }
  return measurements;
}

async function withServer(name, contestant, use) {
  const server = await startContestant(name, contestant, database.url);
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

function listOf(option, known) {
  const list = options[option].split(',');
  const unknown = list.filter((name) => !(name in known));
  if (unknown.length > 0) {
    console.error(`--${option}: ${unknown.join(', ')}? Known: ${Object.keys(known).join(', ')}`);
    process.exit(2);
  }
  return list;
}
