// Is Prisma faster on PrismaPuff than on adapter-pg, and what does toSql cost?
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { startTemporaryPostgres } from 'next-puff/embedded';
import { postgres } from 'next-puff/postgres';
import { param, toSql } from 'next-puff/prisma';
import { compareAsync } from '../measure.mjs';
import { peakMemory } from '../memory.mjs';
import { contestants as makers, questions } from './contestants.mjs';

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

for (const [title, [width, , ask]] of Object.entries(questions)) {
  const [first, ...others] = await Promise.all(Object.values(contestants).map((one) => ask(one)));
  assert.ok(first.length > 0);
  for (const other of others) assert.deepEqual(other, first);
  await compareAsync(
    title,
    contestants,
    (contestant) => Promise.all(Array.from({ length: width }, () => ask(contestant))),
    width,
  );
  const module = new URL('contestants.mjs', import.meta.url);
  const memory = await peakMemory(module, title, Object.keys(contestants));
  console.log('  peak memory over idle Node.js:');
  for (const [name, megabytes] of Object.entries(memory)) {
    console.log(`    ${name.padEnd(34)} ${megabytes.toFixed(0).padStart(8)} MB`);
  }
}

const { prisma } = contestants.PrismaPuff;
await toSql.prepare(prisma);
let id = 0;
const small = () => prisma.item.findMany({ where: { id: { in: [++id, 2, 3] }, active: true } });
const shape = toSql(
  prisma.item.findMany({ where: { id: { in: param('ids', 'Int[]') }, active: true } }),
);
const RUNS = 20;
await compareAsync(
  `toSql, ${RUNS} per turn of the event loop`,
  {
    'a small query, values change': () => toSql(small()).params,
    'the query alone, made and dropped': small,
    'a shape with param(), values change': () => shape.bind({ ids: [++id, 2, 3] }),
  },
  async (contestant) => {
    for (let run = 0; run < RUNS; run++) contestant();
    // What Prisma leaves behind for each query is cleared away at the end of the turn.
    await new Promise((resolve) => setImmediate(resolve));
  },
  RUNS,
);

// A static shape is a text from the start: running it is to cost what a statement written by hand does.
const constants = shape.bind({ ids: [] }).slice(1);
const byHand = (ids) => postgres.query(shape.sql, [ids, ...constants]);
const bound = (ids) => postgres.query(shape.sql, shape.bind({ ids }));
assert.equal((await bound([3, 6, 7])).length, 2);
assert.deepEqual(await bound([3, 6, 7]), await byHand([3, 6, 7]));
await compareAsync(
  'a static shape, run 20 times at once',
  {
    'its text and bind()': () => bound([++id, 2, 3]),
    'the same statement by hand': () => byHand([++id, 2, 3]),
    'Prisma itself': () => small(),
  },
  (run) => Promise.all(Array.from({ length: RUNS }, () => run())),
  RUNS,
);

await Promise.all(Object.values(contestants).map((contestant) => contestant.end()));
await server.stop();
