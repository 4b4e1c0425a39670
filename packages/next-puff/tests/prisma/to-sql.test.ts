import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { postgres } from 'next-puff/postgres';
import { Placeholder, param, toSql } from 'next-puff/prisma';
import { Prisma } from './generated/client/client.ts';
import { errorOf, type JoinsClient, type PrismaClient, testDatabase } from './support/database.ts';

const database = testDatabase();
let prisma: PrismaClient;
let joins: JoinsClient;

beforeAll(async () => {
  prisma = database.client();
  joins = database.joinsClient();
  await Promise.all([toSql.prepare(prisma), toSql.prepare(joins)]);
});
beforeEach(async () => {
  await database.clear();
  await postgres`insert into users (email, role) values ('one', 'admin'), ('two', 'READER'), ('three', 'READER')`;
});

const GOLDEN = join(import.meta.dirname, 'golden/7.10.0');

/** Pairs of files: `name.js` is the query, `name.json` what it becomes. UPDATE_GOLDEN=1 writes the latter. */
describe('golden statements of Prisma 7.10.0', () => {
  const names = readdirSync(GOLDEN)
    .filter((file) => file.endsWith('.js'))
    .map((file) => file.slice(0, -3));
  test.each(names)('%s', (name) => {
    const source = readFileSync(join(GOLDEN, `${name}.js`), 'utf8');
    const query = new Function(
      'prisma',
      'joins',
      'param',
      'Prisma',
      `return (${source.replace(/;\s*$/, '')}\n);`,
    );
    let actual: unknown;
    try {
      const { sql, params, mapping } = toSql(query(prisma, joins, param, Prisma));
      actual = JSON.parse(JSON.stringify({ sql, params, mapping }));
    } catch (error) {
      actual = { error: (error as Error).message };
    }
    const file = join(GOLDEN, `${name}.json`);
    if (process.env.UPDATE_GOLDEN) writeFileSync(file, `${JSON.stringify(actual, undefined, 2)}\n`);
    expect(actual).toEqual(JSON.parse(readFileSync(file, 'utf8')));
  });
});

test('nothing runs, not even later', async () => {
  toSql(prisma.user.deleteMany());
  toSql(prisma.user.findUnique({ where: { id: 1 } }));
  const extended = prisma.$extends({
    query: {
      user: {
        async deleteMany({ args, query }) {
          await sleep(5);
          return query(args);
        },
      },
    },
  });
  expect(() => toSql(extended.user.deleteMany())).toThrow(/client has extensions/);
  await sleep(50);
  expect(await prisma.user.count()).toBe(3);
});

test('a query that became SQL cannot run as well', async () => {
  const query = prisma.user.findMany();
  toSql(query);
  const error = await errorOf(query);
  expect(error).toMatchObject({ code: 'PUFF_PRISMA_SPENT' });
  const caught = prisma.user.findMany();
  toSql(caught);
  expect(await caught.catch(() => 'caught')).toBe('caught');
});

test('placeholders are filled in later', async () => {
  const statement = toSql(
    prisma.user.findMany({
      where: {
        id: { in: param('ids', 'Int[]') },
        email: { contains: param('part', 'String') },
        createdAt: { lte: param('until', 'DateTime') },
        role: { not: param('role', 'Enum') },
      },
      select: { id: true, email: true },
      orderBy: { id: 'asc' },
    }),
  );
  expect(statement.params.filter((value) => value instanceof Placeholder)).toHaveLength(4);
  const run = async (values: object) =>
    statement.read(await postgres.query(statement.sql, statement.bind({ ...values })));
  const all = { ids: [1, 2, 3], part: '', until: new Date(Date.now() + 60_000), role: 'admin' };
  expect(await run(all)).toEqual([
    { id: 2, email: 'two' },
    { id: 3, email: 'three' },
  ]);
  expect(await run({ ...all, ids: [3, 3, 99], part: 'hre' })).toEqual([{ id: 3, email: 'three' }]);
  expect(await run({ ...all, ids: [] })).toEqual([]);
  expect(() => statement.bind({ ids: [1], part: 'x', until: new Date() })).toThrow(
    /no value for role/,
  );
});

test('a placeholder for a list that must not contain also takes none', async () => {
  const statement = toSql(
    prisma.user.findMany({ where: { id: { notIn: param('ids', 'Int[]') } } }),
  );
  const count = async (ids: number[]) =>
    (await postgres.query(statement.sql, statement.bind({ ids }))).length;
  expect(await count([])).toBe(3);
  expect(await count([1, 2])).toBe(1);
});

test('writes are statements too', async () => {
  const run = async <T>(statement: {
    sql: string;
    params: readonly unknown[];
    read(rows: object[]): T;
  }) => statement.read(await postgres.query(statement.sql, statement.params));
  const created = await run(toSql(prisma.user.create({ data: { email: 'new', role: 'EDITOR' } })));
  expect(created).toEqual({
    id: 4,
    email: 'new',
    name: null,
    role: 'EDITOR',
    karma: 0,
    createdAt: expect.any(Date),
    managerId: null,
  });
  expect(Math.abs(created.createdAt.getTime() - Date.now())).toBeLessThan(10_000);
  expect(
    await run(
      toSql(
        prisma.user.update({
          where: { id: 4 },
          data: { karma: { increment: 2 } },
          select: { karma: true },
        }),
      ),
    ),
  ).toEqual({ karma: 2 });
  const missing = toSql(prisma.user.update({ where: { id: 99 }, data: { karma: 1 } }));
  const thrown = await errorOf(run(missing));
  expect(thrown).toMatchObject({ code: 'P2025' });
  expect(thrown).toBeInstanceOf(Prisma.PrismaClientKnownRequestError);
  const removed = toSql(prisma.user.deleteMany({ where: { id: { in: [1, 2] } } }));
  expect(removed.read(await postgres.execute(removed.sql, removed.params))).toEqual({ count: 2 });
  const { email } = await run(toSql(prisma.user.findFirstOrThrow({ where: { id: 3 } })));
  expect(email).toBe('three');
});

test('Prisma.sql and TypedSQL are taken as they are', async () => {
  const written = toSql<{ email: string }[]>(
    Prisma.sql`select email from users where id in (${Prisma.join([1, 2])}) and karma < ${new Prisma.Decimal('1.5')}::numeric order by id`,
  );
  expect(written.sql).toContain('id in ($1,$2)');
  expect(written.read(await postgres.query(written.sql, written.params))).toEqual([
    { email: 'one' },
    { email: 'two' },
  ]);
  const typed = toSql({ sql: 'select $1::int as n', values: [7] });
  expect(await postgres.query(typed.sql, typed.params)).toEqual([{ n: 7 }]);
});

test('what cannot be a statement is refused with the reason and another way', async () => {
  const refused: [unknown, RegExp][] = [
    [prisma.user.findMany({ include: { posts: true } }), /several statements.*relationJoins/s],
    [prisma.user.findMany({ take: -2 }), /in memory.*Turn the order around/s],
    [prisma.user.findMany({ distinct: ['name'] }), /in memory/],
    [
      prisma.user.create({ data: { email: 'x', posts: { create: { title: 't' } } } }),
      /several statements/,
    ],
    [prisma.user.findUnique({ where: { id: 1 } }).posts(), /fluent/],
    [prisma.$queryRaw`select 1`, /raw SQL already.*Prisma\.sql/s],
    [prisma.user.findMany({ where: { nonsense: 1 } } as object), /refused by Prisma/],
    [Promise.resolve(1), /neither a query/],
    ['select 1', /neither a query/],
    [
      prisma
        .$extends({
          result: {
            user: {
              shout: { needs: { email: true }, compute: ({ email }) => email.toUpperCase() },
            },
          },
        })
        .user.findMany(),
      /extensions/,
    ],
  ];
  for (const [query, reason] of refused) {
    const attempt = () => toSql(query as ReturnType<typeof prisma.user.findMany>);
    expect(attempt).toThrow(reason);
    expect(attempt).toThrow(expect.objectContaining({ code: 'PUFF_PRISMA_NOT_SQL' }));
  }
});

test('a client that was not prepared is named, and its query does not run', async () => {
  const other = database.client();
  expect(() => toSql(other.user.deleteMany())).toThrow(/toSql\.prepare/);
  await sleep(20);
  expect(await prisma.user.count()).toBe(3);
});

test('other versions of Prisma are refused', async () => {
  const aged = Object.create(prisma, { _clientVersion: { value: '7.9.0' } }) as PrismaClient;
  expect(await errorOf(toSql.prepare(aged))).toMatchObject({
    code: 'PUFF_PRISMA_VERSION',
    message: expect.stringContaining('Prisma 7.9.0; it knows 7.10.0'),
  });
});

test('placeholders with wrong names or types are refused', () => {
  expect(() => param('%1', 'Int')).toThrow(/cannot have the name/);
  expect(() => param('id', 'Integer' as 'Int')).toThrow(/no type Integer.*'Int\[\]'/s);
});

test('thousands of shapes do not pile up, and stay right', async () => {
  for (let take = 1; take <= 1100; take++) {
    const { params } = toSql(prisma.user.findMany({ take, where: { id: 1 } }));
    expect(params).toEqual([1, String(take), '0']);
  }
});
