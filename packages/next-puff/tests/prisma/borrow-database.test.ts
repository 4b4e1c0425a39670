import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { PrismaPg } from '@prisma/adapter-pg';
import { postgres } from 'next-puff/postgres';
import { borrowDatabase } from 'next-puff/prisma';
import { RequestContext, runInContext } from '../../dist/context/request-context.js';
import { Barrier } from './support/barrier.ts';
import { errorOf, PrismaClient, testDatabase } from './support/database.ts';

const database = testDatabase();
let prisma: PrismaClient;

beforeAll(() => {
  prisma = borrowDatabase(database.client());
});
beforeEach(async () => {
  await database.clear();
  await postgres`insert into users (email) values ('one'), ('two')`;
});

const emails = async () =>
  (await postgres<{ email: string }>`select email from users order by id`).map((row) => row.email);
const outside = async () => emails();

async function inRequest<T>(
  fn: (context: RequestContext) => Promise<T>,
  transaction: false | object = {},
): Promise<T> {
  const context = new RequestContext({ kind: 'route', name: 'test', deadlineMs: 0, transaction });
  try {
    const result = await runInContext(context, () => fn(context));
    context.deactivate();
    await context.settle('success');
    return result;
  } catch (error) {
    context.deactivate();
    await context.settle('failure');
    throw error;
  }
}

test('prisma and postgres see what the other did, and are undone together', async () => {
  const failure = new Error('undo');
  const thrown = await errorOf(
    postgres.transaction(async () => {
      await prisma.user.create({ data: { email: 'prisma' } });
      await postgres`insert into users (email) values ('postgres')`;
      expect(await prisma.user.count()).toBe(4);
      expect(await emails()).toEqual(['one', 'two', 'prisma', 'postgres']);
      expect(await prisma.user.findUnique({ where: { email: 'postgres' } })).not.toBeNull();
      throw failure;
    }),
  );
  expect(thrown).toBe(failure);
  expect(await outside()).toEqual(['one', 'two']);
});

test('a request with a transaction covers prisma', async () => {
  await inRequest(async () => {
    await prisma.user.create({ data: { email: 'three' } });
    expect(await postgres`select 1 from users where email = 'three'`).toHaveLength(1);
  });
  expect(await outside()).toEqual(['one', 'two', 'three']);
  await errorOf(
    inRequest(async () => {
      await prisma.user.create({ data: { email: 'four' } });
      throw new Error('the handler failed');
    }),
  );
  expect(await outside()).toEqual(['one', 'two', 'three']);
});

test("prisma's own transactions are savepoints inside", async () => {
  await postgres.transaction(async () => {
    await prisma.user.create({ data: { email: 'kept' } });
    await errorOf(
      prisma.$transaction(async (tx) => {
        await tx.user.create({ data: { email: 'undone' } });
        throw new Error('undo');
      }),
    );
    await prisma.$transaction([
      prisma.user.create({ data: { email: 'batch 1' } }),
      prisma.user.create({ data: { email: 'batch 2' } }),
    ]);
    await errorOf(
      prisma.$transaction([
        prisma.user.create({ data: { email: 'batch 3' } }),
        prisma.user.create({ data: { email: 'one' } }),
      ]),
    );
    expect(await emails()).toEqual(['one', 'two', 'kept', 'batch 1', 'batch 2']);
  });
  expect(await outside()).toEqual(['one', 'two', 'kept', 'batch 1', 'batch 2']);
});

test('a savepoint has no isolation level', async () => {
  const error = await errorOf(
    postgres.transaction(() =>
      prisma.$transaction(async (tx) => tx.user.count(), { isolationLevel: 'Serializable' }),
    ),
  );
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_TRANSACTION' });
});

test('queries of one tick stay in the transactions they were asked for in', async () => {
  const begun = new Barrier();
  const looked = new Barrier();
  // Prisma runs lookups together that are asked for in one tick: here, when all have begun.
  const lookups = async () => {
    await begun.arrive(3);
    const rows = await Promise.all([1, 2].map((id) => prisma.user.findUnique({ where: { id } })));
    await looked.arrive(3);
    return rows.map((row) => row?.email);
  };
  const inTransaction = (id: number, email: string) =>
    postgres.transaction(async () => {
      await postgres`update users set email = ${email} where id = ${id}`;
      return lookups();
    });
  expect(
    await Promise.all([
      inTransaction(1, 'changed one'),
      inTransaction(2, 'changed two'),
      lookups(),
    ]),
  ).toEqual([
    ['changed one', 'two'],
    ['one', 'changed two'],
    ['one', 'two'],
  ]);
});

test('a request that is given up takes its own lookups with it, and no others', async () => {
  const options = { kind: 'route', name: 'given up', deadlineMs: 0, transaction: false } as const;
  const context = new RequestContext(options);
  const other = await database.client().$transaction(async (tx) => {
    await tx.$executeRaw`lock table users in access exclusive mode`;
    const lookup = (id: number) => prisma.user.findUnique({ where: { id } }).then();
    const waiting = runInContext(context, () => lookup(1));
    const others = inRequest(() => lookup(2), false);
    await sleep(50);
    context.abort(new Error('the client went away'));
    expect((await errorOf(waiting)).message).toContain('the client went away');
    return { others };
  });
  expect(await other.others).toMatchObject({ email: 'two' });
});

test('postgres joins an interactive transaction of prisma when asked', async () => {
  await errorOf(
    prisma.$transaction(async (tx) => {
      await tx.user.create({ data: { email: 'prisma' } });
      expect(await emails()).toEqual(['one', 'two']);
      await borrowDatabase(tx, async () => {
        expect(await emails()).toEqual(['one', 'two', 'prisma']);
        await postgres.transaction(async () => {
          await postgres`insert into users (email) values ('postgres')`;
        });
      });
      expect(await tx.user.count()).toBe(4);
      throw new Error('undo');
    }),
  );
  expect(await outside()).toEqual(['one', 'two']);
});

test('joining works inside of savepoints', async () => {
  await postgres.transaction(async () => {
    await errorOf(
      prisma.$transaction(async (tx) => {
        await borrowDatabase(tx, () =>
          postgres.transaction(async () => {
            await postgres`insert into users (email) values ('inner')`;
          }),
        );
        expect(await tx.user.count()).toBe(3);
        throw new Error('undo');
      }),
    );
    expect(await emails()).toEqual(['one', 'two']);
  });
});

test('a client that was not given stays out of transactions', async () => {
  const other = database.client();
  await postgres.transaction(async () => {
    await postgres`insert into users (email) values ('inside')`;
    expect(await other.user.count()).toBe(2);
    expect(await prisma.user.count()).toBe(3);
  });
});

test('what cannot be borrowed is refused with its reason', async () => {
  const foreign = new PrismaClient({ adapter: new PrismaPg({ connectionString: database.url }) });
  expect(() => borrowDatabase(foreign)).toThrow(/client without PrismaPuff/);
  expect(() => borrowDatabase({ $executeRawUnsafe: async () => 0 })).toThrow(/no PrismaClient/);
  expect(await errorOf(borrowDatabase(prisma, async () => 1))).toMatchObject({
    code: 'PUFF_PRISMA_CLIENT',
    message: expect.stringContaining('no transaction of PrismaPuff'),
  });
  const aged = Object.create(prisma, { _clientVersion: { value: '7.3.0' } });
  expect(() => borrowDatabase(aged)).toThrow(
    /does not know the inside of Prisma 7\.3\.0; it knows 7\.10\.0/,
  );
  await foreign.$disconnect();
});
