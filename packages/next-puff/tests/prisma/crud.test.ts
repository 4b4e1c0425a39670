import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Prisma } from './generated/client/client.ts';
import { type PrismaClient, testDatabase } from './support/database.ts';
import { Random, seed } from './support/seed.ts';

const database = testDatabase();
let prisma: PrismaClient;
let reference: PrismaClient;

beforeAll(() => {
  prisma = database.client();
  reference = database.reference();
});
beforeEach(async () => {
  await database.clear();
  await seed(reference, new Random(3));
  await restartSequences();
});

/** Explicit ids do not move the sequences. */
async function restartSequences(): Promise<void> {
  for (const table of ['users', 'Profile', 'Post', 'Tag', 'Comment']) {
    await reference.$executeRawUnsafe(`alter sequence "${table}_id_seq" restart with 1000`);
  }
}

const withoutTimes = (value: unknown) =>
  JSON.parse(
    JSON.stringify(value, (key, inner) =>
      key === 'createdAt' ? 'some time' : typeof inner === 'bigint' ? `${inner}n` : inner,
    ) ?? 'null',
  );

/** What a client answers and leaves behind is the same with both adapters. */
const operations: Record<string, (db: PrismaClient) => Promise<unknown>> = {
  'create with nested records': (db) =>
    db.user.create({
      data: {
        email: 'new@example.org',
        role: 'EDITOR',
        profile: { create: { bio: 'b' } },
        posts: {
          create: [
            { title: 'first', tags: { create: [{ name: 'fresh' }], connect: [{ name: 'alpha' }] } },
            { title: 'second', comments: { create: { text: 'c', authorId: 1 } } },
          ],
        },
        manager: { connect: { id: 2 } },
      },
      include: { profile: true, posts: { include: { tags: true, comments: true } }, manager: true },
    }),
  connectOrCreate: (db) =>
    db.post.update({
      where: { id: 1 },
      data: {
        tags: {
          connectOrCreate: [
            { where: { name: 'alpha' }, create: { name: 'alpha' } },
            { where: { name: 'other' }, create: { name: 'other' } },
          ],
        },
      },
      include: { tags: { orderBy: { id: 'asc' } } },
    }),
  'update with nested records': (db) =>
    db.user.update({
      where: { id: 1 },
      data: {
        karma: { multiply: 2 },
        name: { set: null },
        posts: {
          updateMany: { where: { published: false }, data: { views: { increment: 5 } } },
          create: { title: 'added' },
        },
        profile: { upsert: { create: { bio: 'c' }, update: { bio: 'u' } } },
      },
      include: { posts: { orderBy: { id: 'asc' } }, profile: true },
    }),
  'upsert, new and known': async (db) => [
    await db.tag.upsert({
      where: { name: 'alpha' },
      create: { name: 'x' },
      update: { name: 'alpha2' },
    }),
    await db.tag.upsert({
      where: { name: 'beta' },
      create: { name: 'beta' },
      update: { name: 'y' },
    }),
  ],
  'many at once': async (db) => [
    await db.tag.createMany({ data: [{ name: 'm1' }, { name: 'm2' }] }),
    await db.tag.createMany({ data: [{ name: 'm1' }, { name: 'm3' }], skipDuplicates: true }),
    await db.user.createManyAndReturn({ data: [{ email: 'm1' }, { email: 'm2', karma: 4 }] }),
    await db.post.updateMany({
      where: { views: { lt: 3 } },
      data: { published: true, rating: { divide: 2 } },
    }),
    await db.user.updateManyAndReturn({ where: { id: { lt: 4 } }, data: { role: 'ADMIN' } }),
    await db.comment.deleteMany({ where: { post: { published: true } } }),
  ],
  'lists of scalars': async (db) => [
    await db.everything.update({
      where: { id: 1 },
      data: {
        ints: { push: [7, 8] },
        strings: { set: ['x', '{"'] },
        roles: { push: 'ADMIN' },
        jsons: { push: { a: '"' } },
      },
    }),
    await db.everything.findMany({ where: { ints: { hasEvery: [7, 8] } }, select: { id: true } }),
  ],
  'nulls of JSON': async (db) => [
    await db.everything.update({
      where: { id: 1 },
      data: { jsonb: Prisma.JsonNull, json: Prisma.DbNull },
      select: { json: true, jsonb: true },
    }),
    await db.everything.count({ where: { jsonb: { equals: Prisma.JsonNull } } }),
    await db.everything.count({ where: { jsonb: { equals: Prisma.AnyNull } } }),
    await db.everything.findMany({
      where: { jsonb: { path: ['b'], array_contains: 'alpha' } },
      select: { id: true },
    }),
  ],
  'pages, distinct, cursors': async (db) => [
    await db.post.findMany({ take: -3, orderBy: { id: 'asc' } }),
    await db.post.findMany({ cursor: { id: 10 }, skip: 1, take: 4, orderBy: { id: 'asc' } }),
    await db.post.findMany({
      distinct: ['authorId'],
      orderBy: [{ authorId: 'asc' }, { id: 'desc' }],
      select: { authorId: true, id: true },
    }),
    await db.user.findMany({ orderBy: [{ posts: { _count: 'desc' } }, { id: 'asc' }], take: 5 }),
  ],
  'deletes with references': async (db) => [
    await db.post.delete({ where: { id: 5 }, include: { comments: { orderBy: { id: 'asc' } } } }),
    await db.comment.count(),
    await db.post.update({
      where: { id: 6 },
      data: { comments: { deleteMany: {} }, tags: { set: [] } },
      include: { comments: true, tags: true },
    }),
  ],
  'relations in filters': async (db) => [
    await db.user.findMany({
      where: { posts: { every: { published: true } }, comments: { some: {} } },
      orderBy: { id: 'asc' },
    }),
    await db.post.findMany({
      where: { author: { is: { manager: { is: null } } }, tags: { none: { name: 'a' } } },
      orderBy: { id: 'asc' },
    }),
    await db.user.findMany({
      where: { createdAt: { gte: new Date('2024-06-01') } },
      orderBy: { createdAt: 'asc' },
    }),
  ],
  'relations by unique records': (db) =>
    Promise.all(
      [1, 2, 3, 99].map((id) =>
        db.user.findUnique({ where: { id } }).posts({ orderBy: { id: 'asc' } }),
      ),
    ),
  'keys that are not integers': async (db) => [
    await db.reading.update({
      where: { sensor_takenAt: { sensor: 's1', takenAt: new Date('2024-01-02') } },
      data: { amount: 9223372036854775807n, value: { increment: 0.1 } },
    }),
    await db.reading.upsert({
      where: { sensor_takenAt: { sensor: 'new', takenAt: new Date('2025-01-01') } },
      create: { sensor: 'new', takenAt: new Date('2025-01-01'), value: 1, amount: 2n },
      update: {},
    }),
    await db.reading.groupBy({
      by: ['sensor'],
      _sum: { amount: true },
      _avg: { value: true },
      having: { value: { _avg: { gt: 0 } } },
      orderBy: { sensor: 'asc' },
    }),
  ],
  'raw queries': async (db) => [
    await db.$queryRaw`select id, email, role, karma, created_at as "createdAt" from users where id = any(${[1, 2, 3]}) order by id`,
    await db.$queryRaw`select ${1}::int as i, ${'t'} as t, ${true}::bool as b, ${new Date(0)}::timestamptz as "when", ${new Prisma.Decimal('1.50')}::numeric as d, ${null}::text as n, ${10n}::int8 as big`,
    await db.$queryRaw`select * from "Everything" where id < ${4} order by id`,
    await db.$queryRawUnsafe(
      'select count(*) from "Post" where author_id = $1 and published = $2',
      3,
      true,
    ),
    await db.$executeRaw`update "Post" set views = views + ${1} where id in (${Prisma.join([1, 2, 3])})`,
    await db.$executeRawUnsafe('delete from "Comment" where id <= $1', 5),
  ],
};

test.each(Object.entries(operations))('%s', async (_, operation) => {
  const expected = withoutTimes(await operation(reference));
  const left = await contents();
  await database.clear();
  await seed(reference, new Random(3));
  await restartSequences();
  expect(withoutTimes(await operation(prisma))).toEqual(expected);
  expect(await contents()).toEqual(left);
});

const contents = async () =>
  withoutTimes([
    await reference.user.findMany({ orderBy: { id: 'asc' } }),
    await reference.post.findMany({
      orderBy: { id: 'asc' },
      include: { tags: { orderBy: { id: 'asc' } } },
    }),
    await reference.comment.findMany({ orderBy: { id: 'asc' } }),
    await reference.profile.findMany({ orderBy: { id: 'asc' } }),
    await reference.everything.findMany({ orderBy: { id: 'asc' } }),
    await reference.reading.findMany({ orderBy: [{ sensor: 'asc' }, { takenAt: 'asc' }] }),
  ]);
