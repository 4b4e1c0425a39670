import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import 'next-puff/graphql/jest';
import { defineSchema, layer, type PuffSchema } from 'next-puff/graphql';
import { operation } from 'next-puff/graphql/testing';
import { postgres } from 'next-puff/postgres';
import { type PrismaClient, testDatabase } from '../../prisma/support/database.ts';

import type { SchemaTypes } from './golden/prisma-layers-types.d.ts';

// Keys that GraphQL does not show.
declare module './golden/prisma-layers-types.d.ts' {
  interface UserColumns {
    readonly managerId: number | null;
  }
  interface PostColumns {
    readonly authorId: number;
  }
}

const database = testDatabase();
let prisma: PrismaClient;
let schema: PuffSchema<{ karma: number }>;

const typeDefs = readFileSync(join(import.meta.dirname, 'golden/prisma-layers.graphql'), 'utf8');

beforeAll(async () => {
  prisma = database.client();
  schema = defineSchema<{ karma: number }, SchemaTypes>({
    typeDefs,
    prisma,
    layers: {
      Query: {
        users: layer.static(({ args }) =>
          prisma.user.findMany({
            where: { id: { gt: args.after }, role: args.role },
            orderBy: { id: 'asc' },
          }),
        ),
        byRoles: layer.static(({ args }) =>
          prisma.user.findMany({ where: { role: { in: args.roles } }, orderBy: { id: 'asc' } }),
        ),
        byIds: layer.static(({ args }) =>
          prisma.user.findMany({ where: { id: { in: args.ids } }, orderBy: { id: 'asc' } }),
        ),
        // An ID is text in GraphQL and an integer here.
        user: layer.static(({ args }) => prisma.user.findUnique({ where: { id: args.id } }), {
          pins: { id: 'id' },
        }),
        count: layer.static(({ args }) => prisma.user.count({ where: { role: args.role } })),
        richer: layer.static(({ context }) =>
          prisma.user.findMany({ where: { karma: { gt: context.karma } }, orderBy: { id: 'asc' } }),
        ),
        named: layer.static(({ args }) =>
          prisma.user.findMany({
            where: { posts: { some: { title: { startsWith: args.name } } } },
            orderBy: { id: 'asc' },
          }),
        ),
        everything: layer.static(({ args }) =>
          prisma.everything.findMany({
            where: {
              OR: [
                { uuid: args.uuid },
                { bigint: args.bigint },
                { decimal: args.decimal },
                { timestamptz: args.at },
                { boolean: args.flag },
                { float: args.float },
                { role: args.role },
              ],
            },
            orderBy: { id: 'asc' },
          }),
        ),
      },
      User: {
        posts: layer.static(
          ({ parents }) =>
            prisma.post.findMany({
              where: { authorId: { in: parents.id } },
              orderBy: { title: 'desc' },
            }),
          { on: { id: 'authorId' } },
        ),
        postCount: layer.static(
          ({ parents }) =>
            prisma.post.groupBy({
              by: ['authorId'],
              where: { authorId: { in: parents.id } },
              _count: { _all: true },
            }),
          { on: { id: 'authorId' }, default: 0 },
        ),
        // The parents' key is a field of Prisma that GraphQL does not have.
        manager: layer.static(
          ({ parents }) => prisma.user.findMany({ where: { id: { in: parents.managerId } } }),
          { on: { managerId: 'id' } },
        ),
        roleOfManager: layer.static(
          ({ parents }) =>
            prisma.user.findMany({
              where: { id: { in: parents.managerId } },
              select: { id: true, role: true },
            }),
          { on: { managerId: 'id' }, value: 'role' },
        ),
        reports: layer(
          ({ parents }) =>
            prisma.user.findMany({
              where: { managerId: { in: parents.id } },
              orderBy: { id: 'asc' },
            }),
          { on: { id: 'managerId' } },
        ),
      },
      Post: {
        author: layer.static(
          ({ parents }) => prisma.user.findMany({ where: { id: { in: parents.authorId } } }),
          { on: { authorId: 'id' } },
        ),
      },
      Everything: {
        twins: layer.static(
          ({ parents }) =>
            prisma.everything.findMany({
              where: { decimal: { in: parents.decimal }, uuid: { in: parents.uuid } },
              orderBy: { id: 'asc' },
            }),
          { on: { decimal: 'decimal', uuid: 'uuid' } },
        ),
      },
      Mutation: {
        addTag: layer.static(({ args }) => prisma.tag.create({ data: { name: args.name } })),
        setRole: layer.static(({ args }) =>
          prisma.user.updateManyAndReturn({ where: { id: args.id }, data: { role: args.role } }),
        ),
        remove: layer.static(({ args }) => prisma.tag.delete({ where: { id: args.id } })),
      },
    },
  });
});

const UUID = [
  '10000000-0000-4000-8000-000000000001',
  '20000000-0000-4000-8000-000000000002',
] as const;

beforeEach(async () => {
  await database.clear();
  await postgres.script(`
    insert into users (email, role, karma, manager_id, created_at) values
      ('one', 'admin', 1, null, '2026-01-01'), ('two', 'READER', 2, 1, '2026-02-02'), ('three', 'Content Editor', 3, 1, '2026-03-03');
    insert into "Post" (title, author_id) values ('a', 1), ('b', 1), ('c', 2);
    insert into "Everything" (id, uuid, bigint, decimal, timestamptz, boolean, float, role) values
      (1, '${UUID[0]}', 9007199254740993, 1.50, '2026-01-01T10:00:00.123456Z', true, 1.5, 'admin'),
      (2, '${UUID[1]}', 2, 2.25, '2026-01-02T10:00:00Z', false, 2.5, 'Content Editor'),
      (3, '${UUID[0]}', 3, 1.5, '2026-01-03T10:00:00Z', false, 3.5, 'READER');
  `);
});

test('lists and relations, with the fields that Prisma has', async () => {
  const query = `{
    users {
      id role createdAt postCount roleOfManager
      posts { title author { id } }
      manager { id role }
      reports { id }
    }
  }`;
  const { data, errors } = await schema.query(query, {});
  expect(errors).toBeUndefined();
  // Without `role` the argument is NULL, and nothing equals it.
  expect(data).toEqual({ users: [] });
  const answer = await schema.query(query.replace('users', 'byIds(ids: [1, 2, 3])'));
  expect(answer).toEqual({
    data: {
      byIds: [
        {
          id: '1',
          role: 'ADMIN',
          createdAt: expect.stringMatching(/^2026-01-01/),
          postCount: 2,
          roleOfManager: null,
          posts: [
            { title: 'b', author: { id: '1' } },
            { title: 'a', author: { id: '1' } },
          ],
          manager: null,
          reports: [{ id: '2' }, { id: '3' }],
        },
        {
          id: '2',
          role: 'READER',
          createdAt: expect.stringMatching(/^2026-02-02/),
          postCount: 1,
          roleOfManager: 'ADMIN',
          posts: [{ title: 'c', author: { id: '2' } }],
          manager: { id: '1', role: 'ADMIN' },
          reports: [],
        },
        {
          id: '3',
          role: 'EDITOR',
          createdAt: expect.stringMatching(/^2026-03-03/),
          postCount: 0,
          roleOfManager: 'ADMIN',
          posts: [],
          manager: { id: '1', role: 'ADMIN' },
          reports: [],
        },
      ],
    },
  });
  // Prisma runs `reports` itself: names of enums cannot be given along with a statement of a layer.
  const again = query.replace('users', 'byIds(ids: [1, 2, 3])');
  await expect(operation(schema, again)).toUseStatements(6);
});

const ids = async (field: string, variables = {}): Promise<string[]> => {
  const query = `query ($roles: [Role!], $at: DateTime) { ${field} { id } }`;
  const { data, errors } = await schema.query<Record<string, { id: string }[]>>({
    query: field.includes('$') ? query : `{ ${field} { id } }`,
    variables,
    context: { karma: 1 },
  });
  expect(errors).toBeUndefined();
  const found = Object.values(data ?? {})[0];
  return (Array.isArray(found) ? found : [found]).map((row) => String(row?.id));
};

test('arguments of every type', async () => {
  expect(await ids('users(role: EDITOR)')).toEqual(['3']);
  expect(await ids('users(role: ADMIN, after: 1)')).toEqual([]);
  expect(await ids('byRoles(roles: [EDITOR, READER])')).toEqual(['2', '3']);
  expect(await ids('byIds(ids: [])')).toEqual([]);
  expect(await ids('user(id: "2")')).toEqual(['2']);
  expect(await ids('user(id: 3)')).toEqual(['3']);
  expect(await ids('named(name: "a")')).toEqual(['1']);
  expect(await ids('richer')).toEqual(['2', '3']);
  expect(await schema.query('{ count(role: READER) }')).toEqual({ data: { count: 1 } });
  expect(await ids(`everything(uuid: "${UUID[0]}")`)).toEqual(['1', '3']);
  expect(await ids('everything(bigint: "9007199254740993")')).toEqual(['1']);
  expect(await ids('everything(decimal: "2.25")')).toEqual(['2']);
  expect(await ids('everything(decimal: 1.5)')).toEqual(['1', '3']);
  expect(await ids('everything(at: "2026-01-02T10:00:00.000Z")')).toEqual(['2']);
  expect(await ids('everything(flag: true)')).toEqual(['1']);
  expect(await ids('everything(float: 3.5)')).toEqual(['3']);
  expect(await ids('everything(role: EDITOR)')).toEqual(['2']);
});

test('keys that are no integers, several of them', async () => {
  expect(await schema.query(`{ everything(flag: true) { twins { id } } }`)).toEqual({
    data: { everything: [{ twins: [{ id: 1 }, { id: 3 }] }] },
  });
});

test('mutations', async () => {
  expect(await schema.query('mutation { addTag(name: "x") { id name } }')).toEqual({
    data: { addTag: { id: 1, name: 'x' } },
  });
  expect(
    await schema.query('mutation { setRole(id: 2, role: EDITOR) { role reports { id } } }'),
  ).toEqual({
    data: { setRole: [{ role: 'EDITOR', reports: [] }] },
  });
  expect(await prisma.user.findUnique({ where: { id: 2 }, select: { role: true } })).toEqual({
    role: 'EDITOR',
  });
  expect(await schema.query('mutation { remove(id: 1) { name } }')).toEqual({
    data: { remove: { name: 'x' } },
  });
});
