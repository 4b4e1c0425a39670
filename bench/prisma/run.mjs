// Is Prisma faster on PrismaPuff than on adapter-pg, and what does toSql cost?
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import { startTemporaryPostgres } from 'next-puff/embedded';
import { postgres } from 'next-puff/postgres';
import { PrismaPuff, param, toSql } from 'next-puff/prisma';
import { compareAsync } from '../measure.mjs';

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
const { PrismaClient } = require('./generated');

const server = await startTemporaryPostgres();
process.env.DATABASE_URL = server.url;
await postgres.script(`
  create table "Item" (id serial primary key, name text not null, price float8 not null,
    "createdAt" timestamptz(3) not null default current_timestamp, active boolean not null);
  insert into "Item" (name, price, active)
    select 'item number ' || n, n * 1.25, n % 3 = 0 from generate_series(1, 10000) n;
  analyze "Item";`);

const contestants = {
  PrismaPuff: new PrismaClient({ adapter: new PrismaPuff() }),
  'adapter-pg': new PrismaClient({
    // As many connections as our pool has, and named statements, as ours are.
    adapter: new PrismaPg(
      { connectionString: server.url, max: 10, options: '-c timezone=UTC' },
      { statementNameGenerator: ({ sql }) => nameOf(sql) },
    ),
  }),
  'adapter-pg as it comes': new PrismaClient({
    adapter: new PrismaPg({ connectionString: server.url, max: 10, options: '-c timezone=UTC' }),
  }),
};

const names = new Map();
function nameOf(sql) {
  if (!names.has(sql)) names.set(sql, `s${names.size}`);
  return names.get(sql);
}

for (const rows of [1, 100, 1000]) {
  const query = (prisma) =>
    prisma.item.findMany({ where: { id: { gt: 500 } }, orderBy: { id: 'asc' }, take: rows });
  const [first, ...others] = await Promise.all(Object.values(contestants).map(query));
  assert.equal(first.length, rows);
  for (const other of others) assert.deepEqual(other, first);
  for (const concurrency of [1, 8, 64]) {
    if (concurrency * rows > 10_000) continue;
    await compareAsync(
      `findMany of ${rows} rows, ${concurrency} in flight`,
      contestants,
      (prisma) => Promise.all(Array.from({ length: concurrency }, () => query(prisma))),
    );
  }
}

const prisma = contestants.PrismaPuff;
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

await Promise.all(Object.values(contestants).map((client) => client.$disconnect()));
await postgres.end();
await server.stop();
