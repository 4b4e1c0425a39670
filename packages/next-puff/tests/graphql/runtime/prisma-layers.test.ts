import { beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { defineSchema, layer } from 'next-puff/graphql';
import { postgres } from 'next-puff/postgres';
import { borrowDatabase } from 'next-puff/prisma';
import { type PrismaClient, testDatabase } from '../../prisma/support/database.ts';

const database = testDatabase();
let prisma: PrismaClient;

beforeAll(() => {
  prisma = borrowDatabase(database.client());
});
beforeEach(async () => {
  await database.clear();
  await postgres.script(`
    insert into users (email, role) values ('ada', 'admin'), ('bo', 'Content Editor'), ('cy', 'READER');
    insert into "Post" (title, author_id, views)
      select 'Post ' || n, n % 2 + 1, n * 10 from generate_series(1, 5) n;
  `);
});

const typeDefs = /* GraphQL */ `
  enum Role {
    ADMIN
    EDITOR
    READER
  }
  type User {
    id: Int!
    email: String!
    role: Role!
    posts: [Post!]!
    lastPost: Post
  }
  type Post {
    title: String!
    authorId: Int!
    author: User
  }
  type Query {
    users: [User!]!
  }
  type Mutation {
    rename(id: Int!, email: String!): User
    renameAndFail(id: Int!): User
  }
`;

function blog(layers: Record<string, object>, resolvers: Record<string, object> = {}) {
  return defineSchema<unknown>({
    typeDefs,
    prisma,
    maskErrors: false,
    onError: () => {},
    layers: {
      Query: { users: layer(() => prisma.user.findMany({ orderBy: { id: 'asc' } })) },
      ...layers,
    } as never,
    resolvers: resolvers as never,
  });
}

test('a query of one statement is run by the engine', async () => {
  const posts = jest.fn(({ parents }: { parents: { id: number[] } }) =>
    prisma.post.findMany({
      where: { authorId: { in: parents.id } },
      select: { title: true, authorId: true },
      orderBy: { id: 'asc' },
    }),
  );
  const schema = blog({ User: { posts: layer(posts, { on: { id: 'author_id' } }) } });
  const { data, errors } = await schema.query({
    query: '{ users { email posts { title authorId } } }',
    explain: true,
  });
  expect(errors).toBeUndefined();
  const of = (id: number, numbers: number[]) =>
    numbers.map((n) => ({ title: `Post ${n}`, authorId: id }));
  expect(data).toEqual({
    users: [
      { email: 'ada', posts: of(1, [2, 4]) },
      { email: 'bo', posts: of(2, [1, 3, 5]) },
      { email: 'cy', posts: [] },
    ],
  });
  expect(posts).toHaveBeenCalledTimes(1);
});

test('a query of several statements is run by Prisma, and its rows are joined by `on`', async () => {
  const posts = jest.fn(({ parents }: { parents: { id: number[] } }) =>
    prisma.post.findMany({
      where: { authorId: { in: parents.id } },
      include: { author: true },
      orderBy: { id: 'asc' },
    }),
  );
  const schema = blog({ User: { posts: layer(posts, { on: { id: 'author_id' } }) } });
  const query = '{ users { id posts { title author { email } } } }';
  const expected = {
    users: [
      { id: 1, posts: [2, 4].map((n) => ({ title: `Post ${n}`, author: { email: 'ada' } })) },
      { id: 2, posts: [1, 3, 5].map((n) => ({ title: `Post ${n}`, author: { email: 'bo' } })) },
      { id: 3, posts: [] },
    ],
  };
  expect(await schema.query({ query })).toEqual({ data: expected });
  const calls = posts.mock.calls.length;
  expect(await schema.query({ query })).toEqual({ data: expected });
  expect(posts.mock.calls.length - calls).toBe(1);
});

test('enums that the database calls otherwise', async () => {
  const schema = blog({});
  const { data, errors } = await schema.query({ query: '{ users { email role } }' });
  expect(errors).toBeUndefined();
  expect(data?.users).toEqual([
    { email: 'ada', role: 'ADMIN' },
    { email: 'bo', role: 'EDITOR' },
    { email: 'cy', role: 'READER' },
  ]);
});

test('a borrowed client writes in the transaction of the mutation', async () => {
  const rename = (_root: unknown, { id, email }: { id: number; email: string }) =>
    prisma.user.update({ where: { id }, data: { email } });
  const schema = blog(
    {},
    {
      Mutation: {
        rename,
        renameAndFail: async (_root: unknown, { id }: { id: number }) => {
          await rename(_root, { id, email: 'lost' });
          expect(await postgres`select email from users where id = ${id}`).toEqual([
            { email: 'lost' },
          ]);
          throw new Error('undo');
        },
      },
    },
  );
  const good = await schema.query({ query: 'mutation { rename(id: 1, email: "new") { email } }' });
  expect(good).toEqual({ data: { rename: { email: 'new' } } });
  const bad = await schema.query({ query: 'mutation { renameAndFail(id: 1) { email } }' });
  expect(bad.errors?.[0]?.message).toBe('undo');
  expect(await postgres`select email from users where id = 1`).toEqual([{ email: 'new' }]);
});
