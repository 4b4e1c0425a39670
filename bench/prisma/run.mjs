// Is Prisma faster on PrismaPuff than on adapter-pg, and what does toSql cost?
//
// `npm run bench -- prisma --questions='1 rows, 1 in;toSql' --skip-memory` asks single questions, as with
// `postgres`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startTemporaryPostgres } from 'next-puff/embedded';
import { postgres } from 'next-puff/postgres';
import { param, toSql } from 'next-puff/prisma';
import { compare, compareAsync } from '../measure.mjs';
import { peakMemory } from '../memory.mjs';
import { chosen } from '../questions.mjs';
import { contestants as makers, questions } from './contestants.mjs';
import { smallQueries } from './small-queries.mjs';

const RUNS = 20;

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    questions: { type: 'string', default: '' },
    'skip-memory': { type: 'boolean', default: false },
  },
});

// In development Prisma looks for the caller of every query, which is no part of the question.
process.env.NODE_ENV = 'production';

const require = createRequire(import.meta.url);
execFileSync(
  process.execPath,
  [require.resolve('prisma/build/index.js'), 'generate', '--no-hints', '--schema', 'schema.prisma'],
  {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['ignore', 'ignore', 'inherit'],
    // Without a name for it Prisma downloads its schema engine, which `generate` never starts.
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath },
  },
);

const server = await startTemporaryPostgres();
process.env.DATABASE_URL = server.url;
await postgres.script(`
  create table "Item" (id serial primary key, name text not null, price float8 not null,
    "createdAt" timestamptz(3) not null default current_timestamp, active boolean not null);
  insert into "Item" (name, price, active)
    select 'item number ' || n, n * 1.25, n % 3 = 0 from generate_series(1, 10000) n;
  analyze "Item";`);

const contestants = {};
for (const [name, make] of Object.entries(makers)) contestants[name] = await make(server.url);

const ofToSql = {
  'toSql of small queries': compareToSql,
  'a static shape': compareStaticShape,
};
await toSql.prepare(contestants.PrismaPuff.prisma);
for (const [title, question] of chosen({ ...questions, ...ofToSql }, options.questions)) {
  await (typeof question === 'function' ? question() : compareFindMany(title, question));
}

await Promise.all(Object.values(contestants).map((contestant) => contestant.end()));
await server.stop();

async function compareFindMany(title, [width, , ask]) {
  const [first, ...others] = await Promise.all(Object.values(contestants).map((one) => ask(one)));
  assert.ok(first.length > 0);
  for (const other of others) assert.deepEqual(other, first);
  await compareAsync(
    title,
    contestants,
    (contestant) => Promise.all(Array.from({ length: width }, () => ask(contestant))),
    width,
  );
  if (options['skip-memory']) return;
  const module = new URL('contestants.mjs', import.meta.url);
  const memory = await peakMemory(module, title, Object.keys(contestants));
  console.log('  peak memory over idle Node.js:');
  for (const [name, megabytes] of Object.entries(memory)) {
    console.log(`    ${name.padEnd(34)} ${megabytes.toFixed(0).padStart(8)} MB`);
  }
}

/** What each kind of small query takes, and the queries alone, made and dropped. */
async function compareToSql() {
  const kinds = smallQueries(contestants.PrismaPuff.prisma);
  const found = Object.entries(kinds).map(([name, make]) => [name, () => toSql(make()).params]);
  const alone = [['the query alone: findMany with where', kinds['findMany with where']]];
  await compareAsync(
    `toSql, ${RUNS} per turn of the event loop`,
    Object.fromEntries([...found, ...alone]),
    async (contestant) => {
      for (let run = 0; run < RUNS; run++) contestant();
      // What Prisma leaves behind for each query is cleared away at the end of the turn.
      await new Promise((resolve) => setImmediate(resolve));
    },
    RUNS,
  );
}

/** A static shape is a text from the start: running it is to cost what a statement written by hand does. */
async function compareStaticShape() {
  const { prisma } = contestants.PrismaPuff;
  let id = 0;
  const shape = toSql(
    prisma.item.findMany({ where: { id: { in: param('ids', 'Int[]') }, active: true } }),
  );
  const constants = shape.bind({ ids: [] }).slice(1);
  const byHand = (ids) => postgres.query(shape.sql, [ids, ...constants]);
  const bound = (ids) => postgres.query(shape.sql, shape.bind({ ids }));
  assert.equal((await bound([3, 6, 7])).length, 2);
  assert.deepEqual(await bound([3, 6, 7]), await byHand([3, 6, 7]));
  await compare(
    'the values of a static shape',
    {
      'bind()': () => shape.bind({ ids: [++id, 2, 3] }),
      'an array by hand': () => [[++id, 2, 3], ...constants],
    },
    (run) => run(),
  );
  await compareAsync(
    'a static shape, run 20 times at once',
    {
      'its text and bind()': () => bound([++id, 2, 3]),
      'the same statement by hand': () => byHand([++id, 2, 3]),
      'Prisma itself': () =>
        prisma.item.findMany({ where: { id: { in: [++id, 2, 3] }, active: true } }),
    },
    (run) => Promise.all(Array.from({ length: RUNS }, () => run())),
    RUNS,
  );
}
