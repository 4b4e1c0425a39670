import { beforeAll, describe, expect, test } from '@jest/globals';
import { GraphQLScalarType } from 'graphql';
import {
  column,
  connection,
  connectionTypes,
  defineSchema,
  layer,
  perParent,
  sql,
} from 'next-puff/graphql';
import { type PrismaClient, testDatabase } from '../../prisma/support/database.ts';

const typeDefs = `
  scalar DateTime
  scalar Even
  enum Order { ASC DESC }
  enum Role { ADMIN READER }
  input Filter { name: String, ids: [Int!], order: Order, inner: Inner, role: Role }
  input Inner { flag: Boolean }
  type Query {
    users(after: Int = 0, limit: Int = 10, mine: Boolean, order: Order, filter: Filter, filters: [Filter!], even: Even): [User!]!
    page(first: Int, after: String): UserConnection!
    list(first: Int): [User!]!
    unpaged: UserConnection!
  }
  type User { id: Int!, name: String!, even: Even, count: Int!, posts: [Post!]!, postPage(first: Int, after: String): PostConnection! }
  type Post { id: Int! }
  ${connectionTypes('User', 'Post')}
`;

const database = testDatabase();
let prisma: PrismaClient;
beforeAll(() => {
  prisma = database.client();
});

type Definition = Omit<Parameters<typeof defineSchema>[0], 'typeDefs'>;

/** What a definition is refused with. */
async function refusal(definition: Definition): Promise<{ code: string; message: string }> {
  try {
    await defineSchema({ typeDefs, prisma, ...definition }).prepare();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('nothing was refused');
}

type StaticFunction = Parameters<typeof layer.static>[0];
// biome-ignore lint/suspicious/noExplicitAny: faulty programs have no types
type Faulty = (symbols: any) => any;

const notStatic: [does: string, fn: Faulty, says: RegExp][] = [
  [
    'compares',
    ({ args }) => (args.limit > 5 ? sql`a` : sql`b`),
    /`args.limit` was calculated with or compared/,
  ],
  [
    'compares for equality',
    ({ args }) => (args.order === 'ASC' ? sql`a` : sql`b`),
    /called with "ASC"/,
  ],
  [
    'compares with its own literal',
    ({ args }) => (args.filter.name === 'bob' ? sql`a` : sql`b`),
    /called with "bob"/,
  ],
  ['compares with a number', ({ args }) => (args.limit === 17 ? sql`a` : sql`b`), /called with 17/],
  ['branches', ({ args }) => (args.mine ? sql`a` : sql`b`), /undefined for `args.mine`/],
  [
    'branches on an input object',
    ({ args }) => (args.filter ? sql`${args.filter.name}` : sql`b`),
    /undefined for `args.filter`/,
  ],
  [
    'branches on the context',
    ({ context }) => sql`${context.isAdmin ? 1 : 2}`,
    /undefined for `context.isAdmin`/,
  ],
  ['has a default', ({ args }) => sql`limit ${args.limit ?? 5}`, /undefined for `args.limit`/],
  [
    'chooses between two',
    ({ args }) => sql`limit ${args.limit ?? args.after}`,
    /another statement/,
  ],
  [
    'combines two',
    ({ args }) => sql`limit ${args.limit && args.after}`,
    /undefined for `args.limit`/,
  ],
  ['adds', ({ args }) => sql`limit ${args.limit + 1}`, /`args.limit` was added to something/],
  ['calculates', ({ args }) => sql`limit ${args.limit * 2}`, /`args.limit` was calculated with/],
  [
    'puts into a text',
    ({ args }) => sql`like ${`%${args.filter.name}`}`,
    /`args.filter.name` was put into a text/,
  ],
  ['awaits', async ({ args }) => sql`${await args.limit}`, /it returned a promise/],
  ['spreads an object', ({ args }) => sql`${{ ...args }}`, /`args` was spread/],
  ['spreads a list', ({ args }) => sql`${[...args.filter.ids]}`, /`args.filter.ids` was spread/],
  ['loops', ({ args }) => sql`${args.filter.ids.map(String)}`, /`args.filter.ids.map` was read/],
  [
    'makes JSON',
    ({ args }) => sql`${JSON.stringify(args.filter)}`,
    /`args.filter` was turned into JSON/,
  ],
  ['makes JSON of all', ({ args }) => sql`${JSON.stringify(args)}`, /`args` was spread/],
  [
    'looks inside',
    ({ args }) => ('name' in args.filter ? sql`a` : sql`b`),
    /`args.filter` was looked into/,
  ],
  [
    'takes apart a list of objects',
    ({ args }) => sql`${args.filters.name}`,
    /`args.filters` is a list/,
  ],
  [
    'assigns',
    ({ args }) => {
      args.limit = 5;
      return sql`a`;
    },
    /`args` was assigned to/,
  ],
  [
    'makes a name',
    ({ args }) => sql`order by ${sql.identifier(args.order)}`,
    /`args.order.replaceAll` was read/,
  ],
  ['makes SQL', ({ args }) => sql.unsafe(args.order), /given to `sql.unsafe`/],
  [
    'puts into an array',
    ({ args }) => sql`${[args.limit]}`,
    /`args.limit` is inside of another value/,
  ],
  [
    'puts into JSON',
    ({ args }) => sql`${sql.json(args.filter)}`,
    /`args.filter` is inside of another value/,
  ],
  [
    'throws',
    ({ args }) => {
      if (!args.limit) throw new Error('no limit');
      return sql`a`;
    },
    /it threw when .*: no limit/,
  ],
  [
    'throws at once',
    () => {
      throw new Error('broken');
    },
    /called with symbols: broken/,
  ],
  ['changes by itself', ({ args }) => sql`${args.limit} ${Math.random()}`, /another statement/],
  ['returns values', () => [1, 2], /it returned object, not a statement/],
  ['returns nothing', () => undefined, /it returned undefined, not a statement/],
];

const notStaticPrisma: [does: string, fn: Faulty, says: RegExp][] = [
  [
    'branches',
    ({ args }) => prisma.user.findMany({ where: args.mine ? { id: 1 } : {} }),
    /undefined for `args.mine`/,
  ],
  [
    'has a default',
    ({ args }) => prisma.user.findMany({ where: { id: args.after ?? 5 } }),
    /undefined for `args.after`/,
  ],
  [
    'compares',
    ({ args }) => prisma.user.findMany({ where: { id: args.order === 'DESC' ? 1 : 2 } }),
    /another statement/,
  ],
  [
    'limits',
    ({ args }) => prisma.user.findMany({ take: args.limit }),
    /`args.limit` decides about the query's shape/,
  ],
  [
    'has a list of symbols',
    ({ args }) => prisma.user.findMany({ where: { id: { in: [args.after, 3] } } }),
    /`args.after` is one of several values/,
  ],
  [
    'spreads',
    ({ args }) => prisma.user.findMany({ where: { id: { in: [...args.filter.ids] } } }),
    /`args.filter.ids` was spread/,
  ],
];

describe('a static layer that', () => {
  test.each(notStatic)('%s', async (_, fn, says) => {
    const error = await refusal({
      layers: { Query: { users: layer.static(fn as StaticFunction) } },
    });
    expect(error.code).toBe('PUFF_GRAPHQL_NOT_STATIC');
    expect(error.message).toMatch(/^Query\.users: the layer is not static: /);
    expect(error.message).toMatch(says);
    expect(error.message).toMatch(/layer|sql/i);
  });
  test.each(notStaticPrisma)('%s with Prisma', async (_, fn, says) => {
    const error = await refusal({
      layers: { Query: { users: layer.static(fn as StaticFunction) } },
    });
    expect(error.code).toBe('PUFF_GRAPHQL_NOT_STATIC');
    expect(error.message).toMatch(/^Query\.users: /);
    expect(error.message).toMatch(says);
  });
  test('takes several statements says so with its coordinate', async () => {
    const error = await refusal({
      layers: {
        Query: { users: layer.static(() => prisma.user.findMany({ include: { posts: true } })) },
      },
    });
    expect(error).toMatchObject({ code: 'PUFF_PRISMA_NOT_SQL' });
    expect(error.message).toMatch(/^Query\.users: This query takes several statements/);
  });
  test('has a client that defineSchema was not given', async () => {
    const other = database.joinsClient();
    const error = await refusal({
      prisma: [],
      layers: { Query: { users: layer.static(() => other.user.findMany()) } },
    });
    expect(error).toMatchObject({ code: 'PUFF_PRISMA_NOT_PREPARED' });
    expect(error.message).toMatch(/^Query\.users: .*\n.*defineSchema/);
  });
});

test('conditions that say nothing about the statement are fine', () => {
  const schema = defineSchema({
    typeDefs,
    layers: {
      Query: {
        users: layer.static(({ args, context }) => {
          const id = (context as unknown as { user?: { id: number } }).user?.id;
          return sql`select ${id}, ${args.filter}, ${new Date(0)}, ${'x'}, ${[1, 2]}, ${null}`;
        }),
      },
    },
  });
  expect(schema.spec.fields['Query.users']).toMatchObject({
    params: [{ context: ['user', 'id'] }, { arg: { path: ['filter'] } }, {}, {}, {}, {}],
  });
});

const one = sql`select 1`;
const statement = layer.static(() => one);

const wrong: [what: string, definition: () => Definition | object, says: RegExp][] = [
  [
    'an unknown type',
    () => ({ layers: { Usr: {} } }),
    /^Usr: there is no such type.*\n.*Did you mean "User"/,
  ],
  [
    'an unknown field',
    () => ({ layers: { User: { nme: statement } } }),
    /^User\.nme: User has no such field.*\n.*Did you mean "name"/,
  ],
  ['layers of a scalar', () => ({ layers: { Even: { x: statement } } }), /^Even: it has no fields/],
  ['no layer', () => ({ layers: { User: { name: () => 'x' } } }), /^User\.name: it is no layer/],
  [
    'a layer among resolvers',
    () => ({ resolvers: { User: { name: statement } } }),
    /^User\.name: its resolver is no function.*\n.*`layers`/,
  ],
  [
    'a layer and a resolver',
    () => ({ layers: { Query: { users: statement } }, resolvers: { Query: { users: () => [] } } }),
    /^Query\.users: it has a layer and a resolver/,
  ],
  [
    'an unknown enum value',
    () => ({ resolvers: { Role: { BOSS: 1 } } }),
    /^Role\.BOSS: the enum has no such value/,
  ],
  [
    'an unknown scalar',
    () => ({ scalars: { Evn: new GraphQLScalarType({ name: 'Evn' }) } }),
    /^Evn: there is no such scalar/,
  ],
  [
    'an unknown argument',
    () => ({ layers: { Query: { users: layer.static(({ args }) => sql`${args.limt}`) } } }),
    /^Query\.users: the field has no argument `limt`.*\n.*Did you mean "limit"/,
  ],
  [
    'an unknown input field',
    () => ({
      layers: {
        Query: {
          users: layer.static(
            ({ args }) => sql`${(args.filter as unknown as { nam: string }).nam}`,
          ),
        },
      },
    }),
    /^Query\.users: `args.filter` has no field `nam`/,
  ],
  [
    'parents of an operation',
    () => ({ layers: { Query: { users: layer.static(({ parents }) => sql`${parents.id}`) } } }),
    /^Query\.users: `parents.id` was used/,
  ],
  [
    'undefined',
    () => ({ layers: { Query: { users: layer.static(() => sql`${undefined}`) } } }),
    /^Query\.users: parameter \$1 is undefined/,
  ],
  [
    'no join',
    () => ({ layers: { User: { posts: layer.static(({ parents }) => sql`${parents.id}`) } } }),
    /^User\.posts: nothing says which rows belong to which parent.*\n.*`on`/,
  ],
  [
    'no join without parents',
    () => ({ layers: { User: { posts: statement } } }),
    /^User\.posts: nothing says.*\n.*every parent has all rows/,
  ],
  [
    'a join of an operation',
    () => ({ layers: { Query: { users: layer.static(() => one, { on: { id: 'id' } }) } } }),
    /^Query\.users: fields of an operation have no parents/,
  ],
  [
    'an empty join',
    () => ({ layers: { User: { posts: layer.static(() => one, { on: { id: '' } }) } } }),
    /^User\.posts: `on` has no column for `id`/,
  ],
  [
    'a value of an object',
    () => ({ layers: { Query: { users: layer.static(() => one, { value: 'x' }) } } }),
    /^Query\.users: `value` is for scalars/,
  ],
  [
    'a default of an object',
    () => ({ layers: { Query: { users: layer.static(() => one, { default: 1 }) } } }),
    /^Query\.users: `default` is for scalars/,
  ],
  [
    'an unknown pin',
    () => ({
      layers: { Query: { users: layer.static(() => one, { pins: { id: 'filter.nope' } }) } },
    }),
    /^Query\.users: `pins` names the argument `filter.nope`/,
  ],
  [
    'a column of an operation',
    () => ({ layers: { Query: { users: column('x') } } }),
    /^Query\.users: fields of an operation have no columns/,
  ],
  [
    'a column for objects',
    () => ({ layers: { User: { posts: column('x') } } }),
    /^User\.posts: .* no column can hold it/,
  ],
  [
    'a scalar that JavaScript writes',
    () => ({
      scalars: { Even: new GraphQLScalarType({ name: 'Even', serialize: String }) },
      layers: { User: { even: layer.static(() => one, { on: { id: 'id' } }) } },
    }),
    /^User\.even: the scalar Even has its own `serialize`/,
  ],
  [
    'a scalar that JavaScript reads',
    () => ({
      scalars: { Even: new GraphQLScalarType({ name: 'Even', parseValue: String }) },
      layers: { Query: { users: layer.static(({ args }) => sql`${args.even}`) } },
    }),
    /^Query\.users: `args.even` has the scalar Even/,
  ],
  [
    'an enum inside an object',
    () => ({
      resolvers: { Role: { ADMIN: 'a' } },
      layers: { Query: { users: layer.static(({ args }) => sql`${args.filter}`) } },
    }),
    /^Query\.users: `args.filter` is used as a whole/,
  ],
  [
    'a type of perParent',
    () => ({
      layers: {
        User: {
          posts: layer.static(({ parents }) =>
            perParent(parents.id as never, () => one, { type: 'int4); drop' }),
          ),
        },
      },
    }),
    /no name of a PostgreSQL type/,
  ],
  [
    'a connection that is a list',
    () => ({ layers: { Query: { list: connection({ rows: () => one, orderBy: ['id'] }) } } }),
    /^Query\.list: `User` is no type of a connection/,
  ],
  [
    'a connection without arguments',
    () => ({ layers: { Query: { unpaged: connection({ rows: () => one, orderBy: ['id'] }) } } }),
    /^Query\.unpaged: .*`first` or `last`/,
  ],
  [
    'a connection without order',
    () => ({ layers: { Query: { page: connection({ rows: () => one, orderBy: [] }) } } }),
    /^Query\.page: the connection has no order/,
  ],
  [
    'a page size',
    () => ({
      layers: {
        Query: {
          page: connection({ rows: () => one, orderBy: ['id'], pageSize: { default: 5, max: 2 } }),
        },
      },
    }),
    /^Query\.page: the page size/,
  ],
  [
    'a connection below without parents',
    () => ({ layers: { User: { postPage: connection({ rows: () => one, orderBy: ['id'] }) } } }),
    /^User\.postPage: .*`perParent`/,
  ],
  [
    'a connection that is not static',
    () => ({
      layers: {
        Query: {
          page: connection({ rows: ({ args }) => (args.first ? one : sql`a`), orderBy: ['id'] }),
        },
      },
    }),
    /^Query\.page: the layer is not static/,
  ],
  [
    'a column that Prisma lacks',
    () => ({
      layers: {
        User: { posts: layer.static(() => prisma.post.findMany(), { on: { id: 'author' } }) },
      },
    }),
    /^User\.posts: the query's result has no `author`.*\n/,
  ],
  [
    'a query without rows',
    () => ({ layers: { Query: { users: layer.static(() => prisma.user.deleteMany()) } } }),
    /^Query\.users: the query returns no rows/,
  ],
  [
    'a value that could be several',
    () => ({
      layers: {
        User: {
          count: layer.static(
            () => prisma.post.findMany({ select: { authorId: true, views: true, title: true } }),
            { on: { id: 'authorId' } },
          ),
        },
      },
    }),
    /^User\.count: several columns .*\n.*`views` and `title`|^User\.count: several columns .*\n.*`title` and `views`/,
  ],
];

describe('what is refused when a schema is defined', () => {
  test.each(wrong)('%s', async (_, definition, says) => {
    const error = await refusal(definition() as Definition);
    expect(error.message).toMatch(says);
    expect(error.code).toMatch(/^PUFF_GRAPHQL_(SCHEMA|NOT_STATIC)$/);
  });
  test('SDL that is none', () => {
    expect(() => defineSchema({ typeDefs: ['type Query { a: Int }', 'type {'] })).toThrow(
      /typeDefs: Syntax Error[\s\S]*typeDefs\[1\]:1:6/,
    );
    expect(() => defineSchema({ typeDefs: 'type Query { a: Nope }' })).toThrow(
      /typeDefs: Unknown type/,
    );
  });
});
