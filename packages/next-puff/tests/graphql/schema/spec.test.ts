import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
import { Prisma } from '../../prisma/generated/client/client.ts';
import { type PrismaClient, testDatabase } from '../../prisma/support/database.ts';

const GOLDEN = join(import.meta.dirname, 'golden');
const typeDefs = [
  readFileSync(join(GOLDEN, 'schema.graphql'), 'utf8'),
  connectionTypes('User', 'Post'),
];

const database = testDatabase();
let prisma: PrismaClient;
beforeAll(() => {
  prisma = database.client();
});

/**
 * Pairs of files: `name.js` has layers, or a definition with layers, and `name.json` what the engine is
 * told. UPDATE_GOLDEN=1 writes the latter.
 */
describe('what the engine is told', () => {
  const names = readdirSync(GOLDEN)
    .filter((file) => file.endsWith('.js'))
    .map((file) => file.slice(0, -3));
  test.each(names)('%s', async (name) => {
    const names = { prisma, Prisma, layer, sql, perParent, connection, column, GraphQLScalarType };
    const { default: define } = await import(join(GOLDEN, `${name}.js`));
    const given = define(names);
    const definition = 'layers' in given ? given : { layers: given };
    const schema = await defineSchema({ typeDefs, prisma, ...definition }).prepare();
    const actual = JSON.parse(JSON.stringify(schema.spec.fields));
    const file = join(GOLDEN, `${name}.json`);
    if (process.env.UPDATE_GOLDEN) writeFileSync(file, `${JSON.stringify(actual, undefined, 2)}\n`);
    expect(actual).toEqual(JSON.parse(readFileSync(file, 'utf8')));
  });
});

test('the schema goes to the engine as it was written', () => {
  const schema = defineSchema({
    typeDefs: ['type Query { a: Int }', 'extend type Query { b(x: Int = 1): Int @deprecated }'],
    limits: { depth: 3, timeoutMs: 10 },
    introspection: false,
    maskErrors: false,
    settings: () => ({}),
    mutationTransaction: false,
  });
  expect(schema.spec.sdl).toMatch(/extend type Query/);
  expect(schema.spec.options).toEqual({
    introspection: false,
    masksErrors: false,
    hasSettings: true,
    mutationTransaction: false,
    limits: { depth: 3, timeoutMs: 10 },
  });
  expect(defineSchema({ typeDefs: 'type Query { a: Int }' }).spec.options).toEqual({
    introspection: true,
    masksErrors: true,
    hasSettings: false,
    mutationTransaction: true,
    limits: {},
  });
});

test('the context is the request, or made of it', async () => {
  const typeDefs = 'type Query { a: Int }';
  const request = new Request('http://localhost/', {
    headers: { authorization: 'Bearer abc', 'x-team': 'blue' },
  });
  const plain = await defineSchema({ typeDefs }).contextOf(request);
  expect([plain.authToken, plain.headers.get('x-team'), plain.request]).toEqual([
    'abc',
    'blue',
    request,
  ]);
  const made = defineSchema<{ user: string }>({
    typeDefs,
    context: async ({ authToken }) => ({ user: authToken ?? 'nobody' }),
    settings: ({ user }) => ({ 'app.user': user }),
  });
  expect(await made.settingsOf(await made.contextOf(request))).toEqual({ 'app.user': 'abc' });
  expect(await made.contextOf()).toEqual({ user: 'nobody' });
});

test('a schema with Prisma queries is prepared once', async () => {
  let calls = 0;
  const schema = defineSchema({
    typeDefs,
    prisma,
    layers: {
      Query: {
        users: layer.static(() => {
          calls++;
          return prisma.user.findMany();
        }),
      },
    },
  });
  expect(() => schema.spec).toThrow(/await schema.prepare\(\)/);
  expect(await Promise.all([schema.prepare(), schema.prepare()])).toEqual([schema, schema]);
  expect(calls).toBe(1);
  expect(schema.spec.fields['Query.users']).toMatchObject({ kind: 'statement' });
});
