// Prisma on the adapters that are compared; one is loaded only when it is made, so that a process that
// measures memory holds no other.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

const POOL = 10;

/** By name: makes a client for the server at `url`, which is also in `DATABASE_URL`. */
export const contestants = {
  PrismaPuff: async () => {
    const { PrismaPuff } = await import('next-puff/prisma');
    const { postgres } = await import('next-puff/postgres');
    return contestant(new PrismaPuff(), () => postgres.end());
  },
  // As many connections as our pool has, and named statements, as ours are.
  'adapter-pg': async (url) => {
    const names = new Map();
    const statementNameGenerator = ({ sql }) => {
      if (!names.has(sql)) names.set(sql, `s${names.size}`);
      return names.get(sql);
    };
    return contestant(await adapterPg(url, { statementNameGenerator }));
  },
  'adapter-pg as it comes': async (url) => contestant(await adapterPg(url)),
};

async function adapterPg(connectionString, options) {
  const { PrismaPg } = await import('@prisma/adapter-pg');
  return new PrismaPg({ connectionString, max: POOL, options: '-c timezone=UTC' }, options);
}

function contestant(adapter, end = async () => {}) {
  // Made by `generate` of run.mjs.
  const { PrismaClient } = require('./generated');
  const prisma = new PrismaClient({ adapter });
  return {
    prisma,
    findMany: (rows) =>
      prisma.item.findMany({ where: { id: { gt: 500 } }, orderBy: { id: 'asc' }, take: rows }),
    async end() {
      await prisma.$disconnect();
      await end();
    },
  };
}

const ROWS = [1, 100, 1000];
const IN_FLIGHT = [1, 8, 64];
const ROWS_FOR_MEMORY = 500_000;

/** Title to callers in flight, how many queries measure the memory, and the query. */
export const questions = Object.fromEntries(
  ROWS.flatMap((rows) =>
    IN_FLIGHT.filter((width) => width * rows <= 10_000).map((width) => [
      `findMany of ${rows} rows, ${width} in flight`,
      [width, Math.min(10_000, ROWS_FOR_MEMORY / rows), ({ findMany }) => findMany(rows)],
    ]),
  ),
);
