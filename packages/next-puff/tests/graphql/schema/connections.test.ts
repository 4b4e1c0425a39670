import { beforeAll, describe, expect, test } from '@jest/globals';
import 'next-puff/graphql/jest';
import {
  connection,
  connectionArguments,
  connectionTypes,
  defineSchema,
  layer,
  perParent,
  type SchemaRequest,
  sql,
} from 'next-puff/graphql';
import { operation } from 'next-puff/graphql/testing';
import { postgres } from 'next-puff/postgres';
import { testServer } from '../../postgres/support/server.ts';

testServer();

interface Types {
  Query: {
    parent: Record<never, never>;
    fields: {
      items: { args: { from?: number | null }; result: object };
      ranked: { args: Record<never, never>; result: object };
      groups: { args: Record<never, never>; result: readonly object[] };
    };
  };
  Group: {
    parent: { id: number };
    fields: {
      items: { args: Record<never, never>; result: object };
      first: { args: { n: number }; result: readonly object[] };
    };
  };
}

const schema = defineSchema<SchemaRequest, Types>({
  typeDefs: `
    type Query {
      items(${connectionArguments}, from: Int): ItemConnection!
      ranked(${connectionArguments}): ItemConnection!
      groups: [Group!]!
    }
    type Group { id: Int!, items(${connectionArguments}): ItemConnection!, first(n: Int!): [Item!]! }
    type Item { id: Int!, rank: Int!, at: String! }
    ${connectionTypes('Item')}
  `,
  layers: {
    Query: {
      items: connection({
        rows: ({ args }) =>
          sql`select * from item where ${args.from}::int is null or id >= ${args.from}`,
        orderBy: ['id'],
        pageSize: { default: 4, max: 10 },
      }),
      ranked: connection({
        rows: () => sql`select * from item`,
        orderBy: [{ column: 'rank', direction: 'desc' }, { column: 'at' }, 'id'],
      }),
      groups: layer.static(() => sql`select n as id from generate_series(0, 3) n`),
    },
    Group: {
      items: connection({
        rows: ({ parent }) => sql`select * from item where group_id = ${parent}`,
        orderBy: [{ column: 'id', direction: 'desc' }],
        perParent: { column: 'id', type: 'int4' },
        pageSize: { default: 2 },
      }),
      first: layer.static(({ parents, args }) =>
        perParent(
          parents.id,
          (parent) =>
            sql`select * from item where group_id = ${parent} order by id limit ${args.n}`,
          { type: 'int4' },
        ),
      ),
    },
  },
});

const COUNT = 23;
const GROUPS = 3;

beforeAll(() =>
  postgres.script(`
    create table item (id int primary key, group_id int not null, rank int not null, at timestamptz not null);
    insert into item
      select n, n % ${GROUPS}, n / 5, '2026-01-01'::timestamptz + n % 2 * interval '1 microsecond'
      from generate_series(1, ${COUNT}) n;
  `),
);

interface Page {
  edges: { cursor: string; node: { id: number } }[];
  nodes: { id: number }[];
  totalCount: number;
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string;
    endCursor: string;
  };
}
type Arguments = { first?: number; after?: string; last?: number; before?: string; from?: number };

const FIELDS = `
  edges { cursor node { id } } nodes { id } totalCount
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }`;

async function page(field: string, args: Arguments): Promise<Page> {
  const given = Object.entries(args).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  const list = given.length === 0 ? '' : `(${given.join(', ')})`;
  const { data, errors } = await schema.query<Record<string, Page>>(
    `{ ${field}${list} { ${FIELDS} } }`,
  );
  expect(errors).toBeUndefined();
  return data?.[field] as Page;
}

const idsOf = ({ edges }: Page): number[] => edges.map(({ node }) => node.id);
const upTo = (count: number, from = 1): number[] =>
  Array.from({ length: count }, (_, i) => from + i);

describe.each(['items', 'ranked'])('%s', (field) => {
  const all = async () => {
    const order = field === 'items' ? 'id' : 'rank desc, at, id';
    const rows = await postgres.query<{ id: number }>(`select id from item order by ${order}`, []);
    return rows.map(({ id }) => id);
  };
  test.each([1, 2, 5, 7, 10])('%i at a time, forwards', async (first) => {
    const seen: number[] = [];
    let after: string | undefined;
    for (;;) {
      const part = await page(field, after === undefined ? { first } : { first, after });
      seen.push(...idsOf(part));
      expect(part.nodes.map(({ id }) => id)).toEqual(idsOf(part));
      expect(part.totalCount).toBe(COUNT);
      expect(part.pageInfo.hasNextPage).toBe(seen.length < COUNT);
      expect(part.pageInfo.startCursor).toBe(part.edges[0]?.cursor);
      after = part.pageInfo.endCursor;
      if (!part.pageInfo.hasNextPage) break;
    }
    expect(seen).toEqual(await all());
  });
  test.each([1, 3, 10])('%i at a time, backwards', async (last) => {
    const seen: number[] = [];
    let before: string | undefined;
    for (;;) {
      const part = await page(field, before === undefined ? { last } : { last, before });
      seen.unshift(...idsOf(part));
      expect(part.pageInfo.hasPreviousPage).toBe(seen.length < COUNT);
      before = part.pageInfo.startCursor;
      if (!part.pageInfo.hasPreviousPage) break;
    }
    expect(seen).toEqual(await all());
  });
});

test('both cursors bound a page', async () => {
  const { edges } = await page('items', { first: 10 });
  const [after, before] = [edges[2]?.cursor as string, edges[7]?.cursor as string];
  expect(idsOf(await page('items', { first: 10, after, before }))).toEqual(upTo(4, 4));
  expect(idsOf(await page('items', { first: 2, after, before }))).toEqual(upTo(2, 4));
  expect(idsOf(await page('items', { last: 2, after, before }))).toEqual(upTo(2, 6));
});

test('arguments of its own, the default page and the largest', async () => {
  expect(idsOf(await page('items', { from: 21 }))).toEqual([21, 22, 23]);
  expect(idsOf(await page('items', {}))).toEqual(upTo(4));
  expect((await page('items', { from: 20 })).totalCount).toBe(4);
  expect(await page('items', { from: 99 })).toEqual({
    edges: [],
    nodes: [],
    totalCount: 0,
    pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
  });
  const { errors } = await schema.query('{ items(first: 11) { nodes { id } } }');
  expect(errors).toHaveLength(1);
});

test('a page for each parent, in one statement', async () => {
  const query =
    'query ($after: String) { groups { id items(after: $after) { nodes { id } totalCount pageInfo { hasNextPage endCursor } } } }';
  type Groups = { groups: { id: number; items: Page }[] };
  const { data } = await schema.query<Groups>(query);
  expect(data?.groups.map(({ items }) => items.nodes.map(({ id }) => id))).toEqual([
    [21, 18],
    [22, 19],
    [23, 20],
    [],
  ]);
  expect(data?.groups.map(({ items }) => items.totalCount)).toEqual([7, 8, 8, 0]);
  expect(data?.groups.map(({ items }) => items.pageInfo.hasNextPage)).toEqual([
    true,
    true,
    true,
    false,
  ]);
  const after = data?.groups[0]?.items.pageInfo.endCursor;
  const next = await schema.query<Groups>(query, { after });
  expect(next.data?.groups.map(({ items }) => items.nodes.map(({ id }) => id))).toEqual([
    [15, 12],
    [16, 13],
    [17, 14],
    [],
  ]);
  await expect(operation(schema, '{ groups { items { nodes { id } } } }')).toUseStatements(2);
  await expect(
    operation(schema, '{ groups { items { nodes { id } totalCount } } }'),
  ).toUseStatements(3);
});

test('the first rows of each parent, in one statement', async () => {
  const query = '{ groups { first(n: 2) { id } } }';
  expect(await schema.query(query)).toEqual({
    data: {
      groups: [[3, 6], [1, 4], [2, 5], []].map((ids) => ({ first: ids.map((id) => ({ id })) })),
    },
  });
  await expect(operation(schema, query)).toUseStatements(2);
});

test('a late page is found by the index, also with a generic plan', async () => {
  await postgres.script(`
    create table entry (id int primary key, body text);
    insert into entry select n, 'x' from generate_series(1, 20000) n;
    analyze entry;
  `);
  const { forward } = defineSchema({
    typeDefs: `type Query { e(${connectionArguments}): EConnection! } type E { id: Int! } ${connectionTypes('E')}`,
    layers: { Query: { e: connection({ rows: () => sql`select * from entry`, orderBy: ['id'] }) } },
  }).spec.fields['Query.e'] as unknown as { forward: { text: string; params: object[] } };
  const values = forward.params.map((param) =>
    'limit' in param ? '11' : JSON.stringify(param).includes('after') ? '15000' : 'null',
  );
  const plan = await postgres.transaction(async (transaction) => {
    await transaction.query('set local plan_cache_mode = force_generic_plan', []);
    await transaction.query(`prepare late as ${forward.text}`, []);
    return transaction.query<{ 'QUERY PLAN': unknown }>(
      `explain (analyze, format json) execute late(${values.join(', ')})`,
      [],
    );
  });
  const text = JSON.stringify(plan);
  expect(text).toMatch(/"Index Cond":"\(id > \$\d\)"/);
  // 11 rows of the page and not the 15,000 before it.
  const read = [...text.matchAll(/"Rows Removed by Filter":(\d+)/g)].map(([, n]) => Number(n));
  expect(Math.max(0, ...read)).toBeLessThan(100);
});
