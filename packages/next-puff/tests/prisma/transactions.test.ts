import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { postgres } from 'next-puff/postgres';
import { Prisma } from './generated/client/client.ts';
import { Barrier } from './support/barrier.ts';
import { errorOf, type PrismaClient, testDatabase } from './support/database.ts';

const database = testDatabase();
let prisma: PrismaClient;

beforeAll(() => {
  prisma = database.client();
});
beforeEach(async () => {
  await database.clear();
  await prisma.user.create({ data: { email: 'one', karma: 10 } });
});

/** Connections that hold a transaction open. */
const openTransactions = async () =>
  (
    await postgres.first<{ count: number }>(
      `select count(*)::int from pg_stat_activity where state like 'idle in transaction%'`,
    )
  )?.count;

test('commits what the callback did, and undoes it when it throws', async () => {
  const result = await prisma.$transaction(async (tx) => {
    await tx.user.create({ data: { email: 'two' } });
    expect(await prisma.user.count()).toBe(1);
    return tx.user.count();
  });
  expect(result).toBe(2);
  const failure = new Error('no');
  expect(
    await errorOf(
      prisma.$transaction(async (tx) => {
        await tx.user.create({ data: { email: 'three' } });
        throw failure;
      }),
    ),
  ).toBe(failure);
  expect(await prisma.user.count()).toBe(2);
  expect(await openTransactions()).toBe(0);
});

test.each([
  ['ReadUncommitted', 'read uncommitted'],
  ['ReadCommitted', 'read committed'],
  ['RepeatableRead', 'repeatable read'],
  ['Serializable', 'serializable'],
] as const)('%s', async (isolationLevel, expected) => {
  const rows = await prisma.$transaction(
    (tx) =>
      tx.$queryRaw<{ level: string }[]>`select current_setting('transaction_isolation') as level`,
    { isolationLevel },
  );
  expect(rows).toEqual([{ level: expected }]);
});

test('a nested transaction is a savepoint', async () => {
  await prisma.$transaction(async (tx) => {
    await tx.user.create({ data: { email: 'outer' } });
    // Prisma has it since 7.5; its types do not know it yet.
    const nested = tx as unknown as PrismaClient;
    await errorOf(
      nested.$transaction(async (inner) => {
        await inner.user.create({ data: { email: 'inner' } });
        throw new Error('undo');
      }),
    );
    expect(await tx.user.count()).toBe(2);
  });
  expect(await prisma.user.count()).toBe(2);
});

test('a failed batch leaves nothing', async () => {
  const error = await errorOf(
    prisma.$transaction([
      prisma.user.create({ data: { email: 'two' } }),
      prisma.user.create({ data: { email: 'one' } }),
    ]),
  );
  expect(error).toMatchObject({ code: 'P2002' });
  expect(await prisma.user.count()).toBe(1);
});

test('one that takes too long is rolled back and says so', async () => {
  const error = await errorOf(
    prisma.$transaction(
      async (tx) => {
        await tx.user.update({ where: { id: 1 }, data: { karma: 0 } });
        await sleep(150);
        await tx.user.count();
      },
      { timeout: 50 },
    ),
  );
  expect(error).toMatchObject({ code: 'P2028' });
  expect(await prisma.user.findUnique({ where: { id: 1 } })).toMatchObject({ karma: 10 });
  expect(await openTransactions()).toBe(0);
});

test('one that finds no connection in time says so, and leaves none behind', async () => {
  const pool = database.pool({ maxConnections: 1 });
  const narrow = database.client(pool);
  let release: () => void = () => {};
  const held = narrow.$transaction(() => new Promise<void>((resolve) => (release = resolve)));
  await sleep(50);
  expect(
    await errorOf(narrow.$transaction((tx) => tx.user.count(), { maxWait: 50 })),
  ).toMatchObject({
    code: 'P2028',
  });
  release();
  await held;
  expect(await narrow.user.count()).toBe(1);
  await sleep(50);
  expect(postgres.pool(pool).status()).toMatchObject({ idle: 1, waiting: 0 });
});

test('a constraint that is checked at the end has its code too', async () => {
  await prisma.$executeRaw`alter table "Profile" alter constraint "Profile_user_id_fkey" deferrable initially deferred`;
  const error = await errorOf(
    prisma.$transaction((tx) => tx.profile.create({ data: { bio: '', userId: 99 } })),
  );
  expect(error).toMatchObject({ code: 'P2003' });
  expect(error).toBeInstanceOf(Prisma.PrismaClientKnownRequestError);
});

test('a conflict that shows only at the commit is P2034', async () => {
  await prisma.user.create({ data: { email: 'other', karma: 20 } });
  const both = new Barrier();
  const copy = (from: string, to: string) =>
    prisma.$transaction(
      async (tx) => {
        const { karma } = await tx.user.findUniqueOrThrow({ where: { email: from } });
        await tx.user.update({ where: { email: to }, data: { karma } });
        // Each has read what the other has changed: whichever commits second must fail.
        await both.arrive(2);
      },
      { isolationLevel: 'Serializable' },
    );
  const outcomes = await Promise.allSettled([copy('one', 'other'), copy('other', 'one')]);
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(failed).toHaveLength(1);
  expect(failed[0]?.reason).toMatchObject({ code: 'P2034' });
});

test('a commit that PostgreSQL turned into a rollback is an error', async () => {
  const error = await errorOf(
    prisma.$transaction(async (tx) => {
      await tx.user.create({ data: { email: 'two' } });
      await tx.user.create({ data: { email: 'one' } }).catch(() => {});
    }),
  );
  expect(error.message).toContain('rolled back');
  expect(await prisma.user.count()).toBe(1);
});

test('many callers at once, transactions among them, all finish', async () => {
  const narrow = database.client(database.pool({ maxConnections: 4 }));
  await Promise.all(
    Array.from({ length: 300 }, async (_, index) => {
      if (index % 10 !== 0) return narrow.user.findMany({ where: { id: { gte: 0 } } });
      return narrow.$transaction(
        (tx) => tx.user.update({ where: { id: 1 }, data: { karma: { increment: 1 } } }),
        {
          maxWait: 20_000,
          timeout: 20_000,
        },
      );
    }),
  );
  expect(await narrow.user.findUnique({ where: { id: 1 } })).toMatchObject({ karma: 40 });
  expect(await openTransactions()).toBe(0);
});
