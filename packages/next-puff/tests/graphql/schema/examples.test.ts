import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import 'next-puff/graphql/jest';
import { defineSchema, layer, sql } from 'next-puff/graphql';
import { countStatements, operation } from 'next-puff/graphql/testing';
import { postgres } from 'next-puff/postgres';
import { testServer } from '../../postgres/support/server.ts';

testServer();

/** The first examples that readers of Puff's README see. */
describe('hello world', () => {
  const schema = defineSchema({
    typeDefs: `
      input SomeInput { count: Int!, string: String! }
      type Query {
        helloWorld(myInput: Int!): [DbObject!]!
        helloWorldObject(myInput: [SomeInput!]): [SomeObject!]!
        authToken: String
      }
      type DbObject { wasInput: Int!, title: String!, childSubQuery: DbObject }
      type SomeObject { field1: Int!, field2: String!, childSubQuery: DbObject }
      type Mutation { shout(message: String!): String! }
    `,
    layers: {
      Query: {
        // A query for PostgreSQL; JavaScript is not asked again.
        helloWorld: layer.static(
          ({ args }) => sql`select ${args.myInput}::int as was_input, 'hi from pg'::text as title`,
        ),
        // Ordinary objects.
        helloWorldObject: layer(({ args }) => {
          const inputs = (args.myInput ?? []) as { count: number; string: string }[];
          const objects = inputs.map(({ count, string }) => ({ field1: count, field2: string }));
          return [[{ field1: 0, field2: 'an object' }, ...objects]];
        }),
        authToken: layer(({ context }) => [context.authToken]),
      },
      DbObject: {
        childSubQuery: layer.static(
          ({ parents }) =>
            sql`select a + 1 as was_input, 'from child' as title, a from unnest(${parents.wasInput}::int[]) a`,
          { on: { wasInput: 'a' } },
        ),
      },
      SomeObject: {
        // The column of all parents' values, and how rows find their parents.
        childSubQuery: layer(
          ({ parents }) =>
            sql`select a as was_input, 'from child' as title from unnest(${parents.field1}::int[]) a`,
          { on: { field1: 'was_input' } },
        ),
      },
      Mutation: {
        shout: layer.static(({ args }) => sql`select upper(${args.message})`),
      },
    },
  });

  test('rows of a statement', async () => {
    expect(await schema.query('{ helloWorld(myInput: 3) { title wasInput } }')).toEqual({
      data: { helloWorld: [{ title: 'hi from pg', wasInput: 3 }] },
    });
  });

  test('a statement below a statement', async () => {
    const query = `query ($n: Int!) {
      helloWorld(myInput: $n) { wasInput childSubQuery { wasInput title childSubQuery { wasInput } } }
    }`;
    expect(await schema.query(query, { n: 3 })).toEqual({
      data: {
        helloWorld: [
          {
            wasInput: 3,
            childSubQuery: { wasInput: 4, title: 'from child', childSubQuery: { wasInput: 5 } },
          },
        ],
      },
    });
    await expect(operation(schema, query, { n: 3 })).toUseStatements(3);
  });

  test('a statement below objects', async () => {
    const query = `{
      helloWorldObject(myInput: [{ count: 7, string: "x" }, { count: 0, string: "y" }]) {
        field1 field2 childSubQuery { wasInput title }
      }
    }`;
    const { result, statements } = await countStatements(schema, () => schema.query(query));
    expect(result).toEqual({
      data: {
        helloWorldObject: [
          { field1: 0, field2: 'an object', childSubQuery: { wasInput: 0, title: 'from child' } },
          { field1: 7, field2: 'x', childSubQuery: { wasInput: 7, title: 'from child' } },
          { field1: 0, field2: 'y', childSubQuery: { wasInput: 0, title: 'from child' } },
        ],
      },
    });
    expect(statements).toBe(1);
  });

  test('the token of a request', async () => {
    const request = new Request('http://localhost/', { headers: { authorization: 'Bearer me' } });
    expect(await schema.query({ query: '{ authToken }', request })).toEqual({
      data: { authToken: 'me' },
    });
    expect(await schema.query('{ authToken }')).toEqual({ data: { authToken: null } });
  });

  test('a mutation', async () => {
    expect(await schema.query('mutation { shout(message: "hey") }')).toEqual({
      data: { shout: 'HEY' },
    });
  });
});

describe('questions and choices', () => {
  interface Context {
    userId: number | null;
  }

  /** What clients do not see. */
  const hidden: [coordinate: string, error: unknown][] = [];
  const schema = defineSchema<Context>({
    typeDefs: `
      enum Status { OPEN CLOSED }
      type Query {
        questions(after: Int = 0, limit: Int = 10, status: Status): [Question!]!
        question(id: Int!): Question
        mine: [Question!]!
      }
      type Question {
        id: Int!
        questionText: String!
        pubDate: String!
        status: Status!
        currentStatus: Status
        choices: [Choice!]!
        choiceCount: Int!
        voteCount: Int!
        best: Choice
        tags: [Tag!]!
      }
      type Choice { id: Int!, text: String!, votes: Int!, question: Question! }
      type Tag { name: String! }
      type Mutation {
        vote(choiceId: Int!): Choice
        ask(text: String!, choices: [String!]!): Question!
      }
    `,
    context: ({ authToken }) => ({ userId: authToken === null ? null : Number(authToken) }),
    onError: (error, { coordinate }) => hidden.push([coordinate, error]),
    resolvers: {
      Status: { OPEN: 'open', CLOSED: 'closed' },
      Mutation: {
        ask: async (_parent: unknown, { text, choices }: { text: string; choices: string[] }) => {
          const [question] = await postgres`
            insert into question (question_text) values (${text})
            returning id, question_text as "questionText"`;
          await postgres`
            insert into choice (question_id, text)
            select ${question?.id}, unnest(${choices}::text[])`;
          return question;
        },
      },
    },
    layers: {
      Query: {
        questions: layer.static(
          ({ args }) => sql`
            select * from question
            where id > ${args.after} and (${args.status}::status is null or status = ${args.status})
            order by id limit ${args.limit}`,
        ),
        question: layer.static(
          ({ args }) => sql`select *, status as current_status from question where id = ${args.id}`,
          {
            pins: { id: 'id' },
          },
        ),
        mine: layer.static(
          ({ context }) =>
            sql`select * from question where author_id = ${context.userId} order by id`,
        ),
      },
      Question: {
        choices: layer.static(
          ({ parents }) =>
            sql`select * from choice where question_id = any(${parents.id}) order by id`,
          { on: { id: 'question_id' } },
        ),
        choiceCount: layer.static(
          ({ parents }) => sql`
            select question_id, count(*)::int as n from choice
            where question_id = any(${parents.id}) group by 1`,
          { on: { id: 'question_id' }, value: 'n', default: 0 },
        ),
        voteCount: layer(async ({ parents }) => {
          const rows = await postgres<{ question_id: number; n: number }>`
              select question_id, sum(votes)::int as n from choice
              where question_id = any(${parents.id}) group by 1`;
          const counts = new Map(rows.map(({ question_id, n }) => [question_id, n]));
          return (parents.id as number[]).map((id) => counts.get(id) ?? 0);
        }),
        best: layer.static(
          ({ parents }) => sql`
            select distinct on (question_id) * from choice
            where question_id = any(${parents.id}) order by question_id, votes desc, id`,
          { on: { id: 'question_id' } },
        ),
        tags: layer.static(
          ({ parents }) => sql`
            select qt.question_id, t.name from question_tag qt join tag t on t.id = qt.tag_id
            where qt.question_id = any(${parents.id}) order by t.name`,
          { on: { id: 'question_id' } },
        ),
      },
      Choice: {
        question: layer.static(
          ({ parents }) => sql`select * from question where id = any(${parents.questionId})`,
          { on: { questionId: 'id' } },
        ),
      },
      Mutation: {
        vote: layer.static(
          ({ args }) =>
            sql`update choice set votes = votes + 1 where id = ${args.choiceId} returning *`,
        ),
      },
    },
  });

  beforeAll(() =>
    postgres.script(`
      create type status as enum ('open', 'closed');
      create table question (
        id serial primary key, question_text text not null, author_id int, status status not null default 'open',
        pub_date date not null default '2026-01-02'
      );
      create table choice (
        id serial primary key, question_id int not null references question, text text not null check (text <> ''),
        votes int not null default 0
      );
      create table tag (id serial primary key, name text not null);
      create table question_tag (question_id int not null, tag_id int not null);
    `),
  );
  beforeEach(() =>
    postgres.script(`
      truncate question, choice, tag, question_tag restart identity;
      insert into question (question_text, author_id, status)
        select 'q' || n, n % 2, case when n = 3 then 'closed' else 'open' end::status from generate_series(1, 4) n;
      insert into choice (question_id, text, votes)
        select q, 'c' || q || c, c from generate_series(1, 3) q, generate_series(1, 2) c;
      insert into tag (name) values ('x'), ('y');
      insert into question_tag values (1, 1), (1, 2), (2, 2);
    `),
  );

  test('lists, relations, aggregates and many to many', async () => {
    const query = `{
      questions(limit: 2) {
        id questionText pubDate status choiceCount voteCount
        choices { text question { id } }
        best { text }
        tags { name }
      }
    }`;
    const question = (id: number, tags: string[]) => ({
      id,
      questionText: `q${id}`,
      pubDate: '2026-01-02',
      status: 'OPEN',
      choiceCount: 2,
      voteCount: 3,
      choices: [1, 2].map((choice) => ({ text: `c${id}${choice}`, question: { id } })),
      best: { text: `c${id}2` },
      tags: tags.map((name) => ({ name })),
    });
    expect(await schema.query(query)).toEqual({
      data: { questions: [question(1, ['x', 'y']), question(2, ['y'])] },
    });
    // One for each layer; voteCount runs its own.
    await expect(operation(schema, query)).toUseStatements(6);
  });

  test('as many statements for many rows as for few', async () => {
    await postgres`
      insert into question (question_text) select 'many' from generate_series(1, 500)`;
    const query =
      'query ($n: Int) { questions(limit: $n) { id choices { id question { tags { name } } } } }';
    for (const n of [1, 500]) await expect(operation(schema, query, { n })).toUseStatements(4);
  });

  test('no rows, defaults and enums', async () => {
    const query = `query ($id: Int!) { question(id: $id) { id choiceCount voteCount best { id } choices { id } } }`;
    expect(await schema.query(query, { id: 4 })).toEqual({
      data: { question: { id: 4, choiceCount: 0, voteCount: 0, best: null, choices: [] } },
    });
    expect(await schema.query('{ question(id: 3) { currentStatus } }')).toEqual({
      data: { question: { currentStatus: 'CLOSED' } },
    });
    expect(await schema.query(query, { id: 99 })).toEqual({ data: { question: null } });
    expect(await schema.query('{ questions(status: CLOSED) { id status } }')).toEqual({
      data: { questions: [{ id: 3, status: 'CLOSED' }] },
    });
  });

  test('the context as a parameter', async () => {
    const mine = (userId: number | null) =>
      schema.query({ query: '{ mine { id } }', context: { userId } });
    expect(await mine(1)).toEqual({ data: { mine: [{ id: 1 }, { id: 3 }] } });
    expect(await mine(null)).toEqual({ data: { mine: [] } });
  });

  test('a mutation as a statement, and what it returns below', async () => {
    expect(
      await schema.query('mutation { vote(choiceId: 1) { votes question { id voteCount } } }'),
    ).toEqual({ data: { vote: { votes: 2, question: { id: 1, voteCount: 4 } } } });
    expect(await schema.query('mutation { vote(choiceId: 99) { votes } }')).toEqual({
      data: { vote: null },
    });
  });

  test('a resolver and layers below it, in one transaction', async () => {
    const ask =
      'mutation ($choices: [String!]!) { ask(text: "new", choices: $choices) { questionText choices { text } } }';
    expect(await schema.query(ask, { choices: ['a', 'b'] })).toEqual({
      data: { ask: { questionText: 'new', choices: [{ text: 'a' }, { text: 'b' }] } },
    });
    const failed = await schema.query(ask, { choices: ['a', ''] });
    expect(failed.errors).toMatchObject([{ message: 'Unexpected error.', path: ['ask'] }]);
    expect(hidden).toEqual([['Mutation.ask', expect.objectContaining({ sqlState: '23514' })]]);
    const [{ n } = { n: 0 }] = await postgres<{ n: number }>`
      select count(*)::int as n from question where question_text = 'new'`;
    expect(n).toBe(1);
  });

  test('the matcher says which statements there were', async () => {
    await expect(
      expect(operation(schema, '{ questions { choices { id } } }')).toUseStatements(1),
    ).rejects.toThrow(
      /use 1 statements, and it used 2:\n {2}questions .*select \* from question[\s\S]*questions\.choices/,
    );
    await expect(operation(schema, '{ questions { id } }')).not.toUseStatements(2);
    await expect(expect(operation(schema, '{ nope }')).toUseStatements(1)).rejects.toThrow(
      /operation has errors/,
    );
  });
});
