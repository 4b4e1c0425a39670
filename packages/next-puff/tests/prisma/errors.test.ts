import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { postgres } from 'next-puff/postgres';
import { PrismaPuff } from 'next-puff/prisma';
import { errorOf, PrismaClient, testDatabase } from './support/database.ts';

const database = testDatabase();
let prisma: PrismaClient;
let reference: PrismaClient;

beforeAll(() => {
  prisma = database.client();
  reference = database.reference();
});
beforeEach(async () => {
  await database.clear();
  await prisma.user.create({ data: { email: 'one' } });
});

/** Faults whose codes are the same whatever the adapter. */
const faults: [code: string, what: string, ask: (prisma: PrismaClient) => Promise<unknown>][] = [
  [
    'P2000',
    'a value that is too long',
    (db) => db.user.create({ data: { email: 'x'.repeat(101) } }),
  ],
  ['P2002', 'a duplicate', (db) => db.user.create({ data: { email: 'one' } })],
  ['P2003', 'a missing reference', (db) => db.profile.create({ data: { bio: '', userId: 99 } })],
  [
    'P2003',
    'a row that others refer to',
    async (db) => {
      const { id } = await db.post.create({ data: { title: 't', authorId: 1 } });
      return db.user.delete({ where: { id: 1 } }).finally(() => db.post.delete({ where: { id } }));
    },
  ],
  [
    'P2025',
    'a record to update that is missing',
    (db) => db.user.update({ where: { id: 99 }, data: {} }),
  ],
  ['P2025', 'a record to delete that is missing', (db) => db.user.delete({ where: { id: 99 } })],
  ['P2025', 'findUniqueOrThrow', (db) => db.user.findUniqueOrThrow({ where: { id: 99 } })],
  ['P2025', 'findFirstOrThrow', (db) => db.user.findFirstOrThrow({ where: { id: 99 } })],
  [
    'P2025',
    'a record to connect that is missing',
    (db) => db.post.create({ data: { title: 't', author: { connect: { id: 99 } } } }),
  ],
  [
    'P2020',
    'a number out of range',
    (db) =>
      db.user
        .update({ where: { id: 1 }, data: { karma: { increment: 2147483647 } } })
        .then(() =>
          db.user.update({ where: { id: 1 }, data: { karma: { increment: 2147483647 } } }),
        ),
  ],
  ['P2010', 'raw SQL that is wrong', (db) => db.$queryRaw`select nonsense`],
  ['P2010', 'raw SQL that fails', (db) => db.$executeRaw`insert into users (email) values ('one')`],
];

test.each(faults)('%s: %s, as with adapter-pg', async (code, _, ask) => {
  const theirs = await errorOf(ask(reference));
  await database.clear();
  await prisma.user.create({ data: { email: 'one' } });
  const ours = await errorOf(ask(prisma));
  expect(theirs).toMatchObject({ code });
  expect(ours).toMatchObject({ code, name: theirs.name });
});

test('P2002 names the fields and the constraint', async () => {
  const error = await errorOf(prisma.user.create({ data: { email: 'one' } }));
  expect(error.message).toContain('Unique constraint failed on the fields: (`email`)');
  expect(error.meta).toMatchObject({
    modelName: 'User',
    driverAdapterError: {
      cause: {
        kind: 'UniqueConstraintViolation',
        constraint: { fields: ['email'], index: 'users_email_key' },
        table: 'users',
        originalCode: '23505',
      },
    },
  });
  await prisma.post.create({ data: { title: 'same', authorId: 1 } });
  const compound = await errorOf(prisma.post.create({ data: { title: 'same', authorId: 1 } }));
  expect(compound.message).toMatch(/fields: \(`author_id`, ?`title`\)/);
});

test('P2011 names the column that must not be null', async () => {
  await prisma.$executeRaw`delete from users`;
  await prisma.$executeRaw`alter table users alter column name set not null`;
  try {
    const error = await errorOf(prisma.user.create({ data: { email: 'two' } }));
    expect(error).toMatchObject({ code: 'P2011' });
    expect(error.message).toContain('`name`');
  } finally {
    await prisma.$executeRaw`alter table users alter column name drop not null`;
  }
});

test('P2021 and P2022 name the table and the column that are missing', async () => {
  await prisma.$executeRaw`alter table "Tag" rename to "Label"`;
  const table = await errorOf(prisma.tag.findMany());
  await prisma.$executeRaw`alter table "Label" rename to "Tag"`;
  expect(table).toMatchObject({ code: 'P2021' });
  expect(table.message).toContain('Tag');
  await prisma.$executeRaw`alter table "Tag" rename column name to label`;
  const column = await errorOf(prisma.tag.findMany());
  await prisma.$executeRaw`alter table "Tag" rename column label to name`;
  expect(column).toMatchObject({ code: 'P2022' });
  expect(column.message).toContain('Tag.name');
});

test('P2024: no connection became free', async () => {
  const narrow = database.client(database.pool({ maxConnections: 1, acquireTimeoutMs: 50 }));
  const held = narrow.$queryRaw`select 1 from pg_sleep(0.5)`.then();
  await sleep(50);
  const error = await errorOf(narrow.user.count());
  expect(error).toMatchObject({ code: 'P2024' });
  expect(error.message).toContain('Timed out fetching a new connection');
  await held;
});

test('P1008: a statement took longer than the pool allows', async () => {
  const hurried = database.client(database.pool({ statementTimeoutMs: 50 }));
  await prisma.$transaction(async (tx) => {
    await tx.$executeRaw`lock table users in access exclusive mode`;
    expect(await errorOf(hurried.user.count())).toMatchObject({ code: 'P1008' });
  });
});

test('P1000, P1001 and P1003: the server cannot be used', async () => {
  const to = (change: (url: URL) => void) => {
    const url = new URL(database.url);
    change(url);
    return database.client(database.pool({ url: url.href, acquireTimeoutMs: 500 }));
  };
  const unreachable = to((url) => {
    url.hostname = '127.0.0.1';
    url.port = '1';
    url.search = '';
  });
  expect(await errorOf(unreachable.user.count())).toMatchObject({ code: 'P1001' });
  const nameless = to((url) => {
    url.pathname = '/nowhere';
  });
  const error = await errorOf(nameless.user.count());
  expect(error).toMatchObject({ code: 'P1003' });
  expect(error.message).toContain('nowhere');
});

test('P1017: the server ended the connection', async () => {
  const running = errorOf(prisma.$queryRaw`select 'victim' from pg_sleep(10)`);
  await sleep(100);
  await postgres`select pg_terminate_backend(pid) from pg_stat_activity
    where query like '%victim%' and pid <> pg_backend_pid()`;
  expect((await running).message).toMatch(/terminating connection|closed|lost/);
  expect(await prisma.user.count()).toBe(1);
});

test('a pool that is not configured is named', async () => {
  const lost = new PrismaClient({ adapter: new PrismaPuff({ pool: 'missing' }) });
  const error = await errorOf(lost.user.count());
  expect(error).toMatchObject({ code: 'PUFF_POSTGRES_NOT_CONFIGURED' });
  expect(error.message).toContain('no PostgreSQL pool named missing');
});
