// Question: how fast are statements through next-puff, against node-postgres and postgres.js?
//
// Every contestant has a pool of ten connections and runs prepared statements on a server that this
// program starts. First all of them must give the same answers; then they take turns. Memory is
// measured in a process of its own for each contestant.
//
// All questions together take minutes: `npm run bench -- postgres --questions='64 in flight;1,000 rows'` asks
// those with one of these words in their titles, `--skip-memory` leaves out the processes that measure memory.
import assert from 'node:assert';
import { parseArgs } from 'node:util';
import { startTemporaryPostgres } from 'next-puff/embedded';
import pg from 'pg';
import { peakMemory } from '../memory.mjs';
import { chosen } from '../questions.mjs';
import { contestants as makers, questions } from './contestants.mjs';

const ROUND_MS = 400;
const REFERENCE = 'pg 8.23.1';
const CONTESTANTS = new URL('contestants.mjs', import.meta.url);

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    questions: { type: 'string', default: '' },
    contestants: { type: 'string', default: Object.keys(makers).join(';') },
    rounds: { type: 'string', default: '9' },
    'skip-memory': { type: 'boolean', default: false },
  },
});
const names = [...new Set([REFERENCE, ...options.contestants.split(';')])];

const server = await startTemporaryPostgres({ settings: { fsync: 'off', max_connections: '100' } });
// Before contestants are made: pools read it then.
process.env.DATABASE_URL = server.url;

const contestants = {};
try {
  await prepare();
  for (const name of names) contestants[name] = await makers[name](server.url);
  await checkAnswers();
  for (const [title, question] of chosen(questions, options.questions)) {
    await compare(title, question);
  }
} finally {
  await Promise.all(Object.values(contestants).map((contestant) => contestant.end()));
  await server.stop();
}

async function prepare() {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(`
    create table items (id int primary key, name text not null, price float8 not null,
                        created timestamptz not null, active boolean not null);
    insert into items
      select n, 'item number ' || n, n * 1.25 + 0.1, '2024-01-01T00:00:00Z'::timestamptz + n * interval '61 s', n % 3 = 0
      from generate_series(1, 1000) n;
    create table written (id bigint generated always as identity primary key, name text, price float8);
    analyze items`);
  await client.end();
}

async function checkAnswers() {
  const expected = {
    one: await contestants[REFERENCE].one(7),
    many: await contestants[REFERENCE].many(1000),
  };
  assert.equal(expected.many.length, 1000);
  for (const [name, contestant] of Object.entries(contestants)) {
    assert.deepEqual([...(await contestant.one(7))], expected.one, name);
    assert.deepEqual([...(await contestant.many(1000))], expected.many, name);
  }
}

/** Lets the contestants take turns; a round is a time in which `width` callers ask without a pause. */
async function compare(title, [width, , ask]) {
  const rounds = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = -2; round < Number(options.rounds); round++) {
    for (const [name, contestant] of Object.entries(contestants)) {
      const measured = await runRound(contestant, width, ask);
      // The first rounds warm up.
      if (round >= 0) rounds[name].push(measured);
    }
  }
  const memory = options['skip-memory'] ? {} : await peakMemory(CONTESTANTS, title, names);
  const results = Object.entries(rounds).map(([name, list]) => ({
    name,
    wall: list.map(({ wall }) => wall).sort((a, b) => a - b),
    cpu: list.map(({ cpu }) => cpu).sort((a, b) => a - b),
  }));
  const middle = (list) => list[Math.floor(list.length / 2)];
  const reference = middle(results.find(({ name }) => name === REFERENCE).wall);
  console.log(
    `\n${title} (us per statement: median, spread; CPU of the process; speed against pg; peak MB over idle Node.js)`,
  );
  for (const { name, wall, cpu } of results) {
    const spread = `${wall[0].toFixed(1)}-${wall.at(-1).toFixed(1)}`;
    const ratio = `${(reference / middle(wall)).toFixed(2)}x`;
    const peak = memory[name] === undefined ? '' : `${memory[name].toFixed(0).padStart(4)} MB`;
    console.log(
      `  ${name.padEnd(20)} ${middle(wall).toFixed(1).padStart(8)}  ${spread.padStart(16)}  ${middle(cpu).toFixed(1).padStart(8)}  ${ratio.padStart(6)}  ${peak}`,
    );
  }
}

async function runRound(contestant, width, ask) {
  const begin = performance.now();
  const usage = process.cpuUsage();
  let runs = 0;
  const caller = async () => {
    while (performance.now() - begin < ROUND_MS) await ask(contestant, runs++);
  };
  await Promise.all(Array.from({ length: width }, caller));
  const wall = ((performance.now() - begin) * 1000) / runs;
  const { user, system } = process.cpuUsage(usage);
  return { wall, cpu: (user + system) / runs };
}
