import { beforeAll, expect, test } from '@jest/globals';
import { postgres } from 'next-puff/postgres';
import { type PrismaStatement, toSql } from 'next-puff/prisma';
import { testDatabase } from './support/database.ts';
import { type RandomQuery, randomQuery } from './support/random-query.ts';
import { Random, seed } from './support/seed.ts';

const database = testDatabase({ timezone: 'America/Caracas' });

beforeAll(async () => {
  await seed(database.client(), new Random(7));
}, 30_000);

type Delegate = Record<
  string,
  (args: object) => PromiseLike<unknown> & { [Symbol.toStringTag]: 'PrismaPromise' }
>;

interface Tally {
  compared: number;
  refused: Map<string, number>;
}

/** Runs queries both ways; what toSql refuses is counted, not compared. */
async function compareMany(
  client: object,
  count: number,
  firstSeed: number,
  relations: boolean,
): Promise<Tally> {
  const tally: Tally = { compared: 0, refused: new Map() };
  const ask = ({ model, method, args }: RandomQuery) =>
    ((client as Record<string, Delegate>)[model] as Delegate)[method]?.(args) as ReturnType<
      Delegate[string]
    >;
  for (let round = 0; round < count; round++) {
    const query = randomQuery(new Random(firstSeed + round), relations);
    let statement: PrismaStatement<unknown>;
    try {
      statement = toSql(ask(query));
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      if (code !== 'PUFF_PRISMA_NOT_SQL') throw error;
      tally.refused.set(message, (tally.refused.get(message) ?? 0) + 1);
      continue;
    }
    const expected = await ask(query);
    const rows = await postgres.query(statement.sql, statement.params);
    try {
      expect(statement.read(rows)).toEqual(expected);
    } catch (error) {
      console.log(JSON.stringify(query), statement.sql, statement.params);
      throw error;
    }
    tally.compared++;
  }
  return tally;
}

test('statements give what Prisma gives', async () => {
  const prisma = database.client();
  await toSql.prepare(prisma);
  const { compared, refused } = await compareMany(prisma, 600, 1, false);
  expect([...refused]).toEqual([]);
  expect(compared).toBe(600);
}, 60_000);

test('statements with relations give what Prisma gives with relationJoins', async () => {
  const prisma = database.joinsClient();
  await toSql.prepare(prisma);
  const { compared, refused } = await compareMany(prisma, 300, 10_000, true);
  expect([...refused]).toEqual([]);
  expect(compared).toBe(300);
}, 60_000);

test('the same shape has the same text, so that it is prepared once', async () => {
  const prisma = database.client();
  await toSql.prepare(prisma);
  const find = (ids: number[], name: string) =>
    toSql(prisma.user.findMany({ where: { id: { in: ids }, name: { not: name } } }));
  expect(find([1, 2, 3], 'a').sql).toBe(find([4], 'b').sql);
});
