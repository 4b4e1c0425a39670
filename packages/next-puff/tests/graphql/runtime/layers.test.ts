import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { GraphQLError, type GraphQLResolveInfo } from 'graphql';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import {
  defineSchema,
  type LayersOf,
  layer,
  type ParentColumns,
  type ResolversOf,
  type SchemaOptions,
  sql,
  type UntypedSchema,
} from 'next-puff/graphql';
import { postgres } from 'next-puff/postgres';

let server: TemporaryPostgres;

beforeAll(async () => {
  server = await startTemporaryPostgres();
  process.env.DATABASE_URL = server.url;
  await postgres.script(`
    create table question (id int primary key, question_text text, asked_at timestamptz, state text);
    create table choice (id int primary key, question_id int, choice_text text, votes int);
    insert into question
      select n, 'Question ' || n, '2024-01-01', case when n = 1 then 'open' else 'done' end
      from generate_series(1, 3) n;
    insert into choice select n, n % 2 + 1, 'Choice ' || n, n * 10 from generate_series(1, 6) n;
  `);
}, 30_000);

afterAll(async () => {
  await postgres.end();
  await server.stop();
}, 30_000);

const typeDefs = /* GraphQL */ `
  enum State {
    OPEN
    DONE
  }
  type Question {
    id: Int!
    questionText: String!
    state: State!
    choices: [Choice!]!
    total: Int
    shout: String!
    names: [String!]!
    place: String!
    ancestors: [Question!]
  }
  type Choice {
    id: Int!
    choiceText: String!
    votes: Int
    question: Question
    letters: [String!]
  }
  type Query {
    questions(first: Int): [Question!]!
    values(n: Int): [Question!]
    staticQuestions: [Question!]!
  }
  type Mutation {
    vote(choice: Int!): Choice
    fail: Choice
  }
`;

type Row = Record<string, unknown>;

function polls(
  layers: LayersOf<UntypedSchema, unknown> = {},
  resolvers: ResolversOf<unknown> = {},
  options: SchemaOptions<unknown> = {},
) {
  return defineSchema<unknown>({
    typeDefs,
    maskErrors: false,
    onError: () => {},
    ...options,
    layers: {
      ...layers,
      Query: {
        questions: layer(
          ({ args }) => sql`select * from question order by id limit ${args.first ?? 10}`,
        ),
        staticQuestions: layer.static(() => sql`select * from question order by id`),
        ...layers.Query,
      },
    },
    resolvers: { State: { OPEN: 'open', DONE: 'done' }, ...resolvers },
  });
}

test('a layer is called once for all parents, with their columns', async () => {
  const resolve = jest.fn(({ parents }: { parents: ParentColumns<Row> }) => {
    return sql`select * from choice where question_id = any(${parents.id}) order by id`;
  });
  const schema = polls({ Question: { choices: layer(resolve, { on: { id: 'question_id' } }) } });
  const { data, errors } = await schema.query({
    query: '{ questions { id questionText state choices { id choiceText } } }',
  });
  expect(errors).toBeUndefined();
  const choices = (ids: number[]) => ids.map((id) => ({ id, choiceText: `Choice ${id}` }));
  expect(data).toEqual({
    questions: [
      { id: 1, questionText: 'Question 1', state: 'OPEN', choices: choices([2, 4, 6]) },
      { id: 2, questionText: 'Question 2', state: 'DONE', choices: choices([1, 3, 5]) },
      { id: 3, questionText: 'Question 3', state: 'DONE', choices: [] },
    ],
  });
  expect(resolve).toHaveBeenCalledTimes(1);
  expect(resolve.mock.calls[0]?.[0].parents.id).toEqual([1, 2, 3]);
});

test('what a layer is called with: arguments, context, a cache, its place, the parents themselves', async () => {
  const calls: Row[] = [];
  const schema = polls(
    {
      Question: {
        total: layer(({ parents, context, cache, info }) => {
          calls.push({
            context,
            info,
            ids: [...(parents as never as Iterable<Row>)].map((p) => p.id),
          });
          const seen = ((cache.get('seen') as number | undefined) ?? 0) + 1;
          cache.set('seen', seen);
          return (parents.id as number[]).map(() => seen);
        }),
      },
    },
    {},
    { context: () => ({ user: 7 }) },
  );
  const run = () =>
    schema.query({ query: '{ a: questions { total } b: questions(first: 1) { total } }' });
  const { data, errors } = await run();
  expect(errors).toBeUndefined();
  const totals = [data?.a, data?.b].map((list) => (list as Row[]).map(({ total }) => total));
  expect(totals.map((list) => list.length)).toEqual([3, 1]);
  expect(new Set(totals.flat())).toEqual(new Set([1, 2]));
  expect(calls).toContainEqual({
    context: { user: 7 },
    info: { coordinate: 'Question.total', path: ['a', 'total'], parentCount: 3 },
    ids: [1, 2, 3],
  });
  // The cache belongs to one operation.
  const again = await run();
  expect(JSON.stringify(again.data)).not.toContain('3');
});

test('values: one for each parent, promises and errors among them', async () => {
  const schema = polls({
    Question: {
      total: layer(async ({ parents }) =>
        (parents.id as number[]).map((id) =>
          id === 1 ? Promise.resolve(10) : id === 2 ? new GraphQLError('No total.') : null,
        ),
      ),
      choices: layer(({ parents }) =>
        (parents.id as number[]).map((id) => [
          { id, choiceText: `of ${id}`, letters: () => ['x'] },
        ]),
      ),
    },
  });
  const { data, errors } = await schema.query({
    query: '{ questions { total choices { id choiceText letters } } }',
  });
  expect(data?.questions).toEqual([
    { total: 10, choices: [{ id: 1, choiceText: 'of 1', letters: ['x'] }] },
    { total: null, choices: [{ id: 2, choiceText: 'of 2', letters: ['x'] }] },
    { total: null, choices: [{ id: 3, choiceText: 'of 3', letters: ['x'] }] },
  ]);
  expect(errors).toEqual([
    expect.objectContaining({ message: 'No total.', path: ['questions', 1, 'total'] }),
  ]);
});

test('rows that the layer fetched itself are joined by `on`', async () => {
  const schema = polls({
    Question: {
      choices: layer(
        async ({ parents }) =>
          (await postgres`select * from choice where question_id = any(${parents.id})`) as never,
        { on: { id: 'question_id' } },
      ),
    },
  });
  const { data, errors } = await schema.query({ query: '{ questions { id choices { id } } }' });
  expect(errors).toBeUndefined();
  const { questions } = data as { questions: { choices: unknown[] }[] };
  const counts = questions.map(({ choices }) => choices.length);
  expect(counts).toEqual([3, 3, 0]);
});

test.each([
  ['too few values', () => [1], /returned 1 values for 3 parents/],
  ['no array', () => ({ rows: [] }), /returned an object/],
  ['nothing', () => undefined, /returned undefined/],
])('a layer that returns %s gets an error that says so', async (_name, resolve, message) => {
  const schema = polls({ Question: { total: layer(resolve as never) } });
  const { data, errors } = await schema.query({ query: '{ questions { total } }' });
  expect(data?.questions).toEqual([{ total: null }, { total: null }, { total: null }]);
  expect(errors?.[0]?.message).toMatch(message);
});

test('the value of a scalar, and that of parents without rows', async () => {
  // Question 3 has no choices.
  const statement =
    'select question_id, count(*)::int, sum(votes)::int as total from choice group by 1';
  const options = { on: { id: 'question_id' }, value: 'total', default: 0 };
  for (const total of [
    layer(() => sql`${sql.unsafe(statement)}`, options),
    layer(async () => [...(await postgres.query(statement))], options),
  ]) {
    const schema = polls({ Question: { total } });
    expect(await schema.query('{ questions { id total } }')).toEqual({
      data: {
        questions: [
          { id: 1, total: 120 },
          { id: 2, total: 90 },
          { id: 3, total: 0 },
        ],
      },
    });
  }
});

test('a column that the parents do not have', async () => {
  const schema = polls({
    Question: { total: layer(({ parents }) => sql`select ${parents.nothing}`, { on: {} }) },
  });
  const { errors } = await schema.query({ query: '{ questions { total } }' });
  expect(errors?.[0]?.message).toMatch(/rows of Question have no column nothing: they have id,/);
});

test('resolvers under rows read columns by the names of fields and of SQL', async () => {
  const parents: Row[] = [];
  const schema = polls(
    {},
    {
      Question: {
        shout: (question: Row) => {
          parents.push(question);
          return `${question.questionText} ${question.question_text}`.toUpperCase();
        },
        place: (_question: Row, _args: unknown, _context: unknown, info: GraphQLResolveInfo) =>
          info.path.key,
      },
    },
  );
  const { data, errors } = await schema.query({
    query: '{ questions(first: 2) { shout here: place state } staticQuestions { shout } }',
  });
  expect(errors).toBeUndefined();
  expect(data).toEqual({
    questions: [
      { shout: 'QUESTION 1 QUESTION 1', here: 'here', state: 'OPEN' },
      { shout: 'QUESTION 2 QUESTION 2', here: 'here', state: 'DONE' },
    ],
    staticQuestions: [1, 2, 3].map((n) => ({ shout: `QUESTION ${n} QUESTION ${n}` })),
  });
  expect(parents[0]?.asked_at).toEqual(new Date('2024-01-01'));
  // What resolvers get of an enum is its value, as in graphql-js.
  expect(parents[0]?.state).toBe('open');
});

test('rows under objects, objects under rows, rows under those', async () => {
  const choicesOf = jest.fn(({ parents }: { parents: ParentColumns<Row> }) => {
    return sql`select * from choice where question_id = any(${parents.id}) order by id`;
  });
  const schema = polls(
    { Question: { choices: layer(choicesOf, { on: { id: 'question_id' } }) } },
    {
      Query: {
        values: () => [
          { id: 2, questionText: 'mine' },
          { id: 1, questionText: 'yours' },
        ],
      },
      Choice: { question: (choice: Row) => ({ id: choice.question_id, questionText: 'back' }) },
    },
  );
  const { data, errors } = await schema.query({
    query: '{ values { questionText choices { id question { id choices { id } } } } }',
  });
  expect(errors).toBeUndefined();
  const inner = (id: number) =>
    (id === 1 ? [2, 4, 6] : [1, 3, 5]).map((choice) => ({
      id: choice,
      question: { id, choices: (id === 1 ? [2, 4, 6] : [1, 3, 5]).map((other) => ({ id: other })) },
    }));
  expect(data?.values).toEqual([
    { questionText: 'mine', choices: inner(2) },
    { questionText: 'yours', choices: inner(1) },
  ]);
  expect(choicesOf).toHaveBeenCalledTimes(2);
});

test('what runs in a mutation belongs to its transaction, and is undone with it', async () => {
  const votes = async () =>
    (await postgres<{ votes: number }>`select votes from choice where id = 1`)[0]?.votes;
  const vote = async (_root: unknown, { choice }: { choice: number }) => {
    const [row] =
      await postgres`update choice set votes = votes + 1 where id = ${choice} returning *`;
    return row;
  };
  const schema = polls(
    {},
    {
      Mutation: {
        vote,
        fail: () => {
          throw new Error('failed');
        },
      },
    },
  );
  const before = (await votes()) as number;
  const good = await schema.query({ query: 'mutation { vote(choice: 1) { votes } }' });
  expect(good).toEqual({ data: { vote: { votes: before + 1 } } });
  expect(await votes()).toBe(before + 1);
  const bad = await schema.query({ query: 'mutation { vote(choice: 1) { votes } fail { id } }' });
  expect(bad.errors?.[0]?.message).toBe('failed');
  expect(await votes()).toBe(before + 1);
});

test('object types take over the layers of their interfaces; each type is one call', async () => {
  const upper = jest.fn(({ parents }: { parents: ParentColumns<Row> }) =>
    (parents.name as string[]).map((name) => name.toUpperCase()),
  );
  const schema = defineSchema<unknown>({
    typeDefs: /* GraphQL */ `
      interface Named {
        name: String!
        upper: String
      }
      type Cat implements Named {
        name: String!
        upper: String
      }
      type Dog implements Named {
        name: String!
        upper: String
      }
      type Query {
        pets: [Named!]!
      }
    `,
    layers: { Named: { upper: layer(upper) }, Dog: { upper: layer(() => ['own']) } },
    resolvers: {
      Query: {
        pets: () => [
          { __typename: 'Cat', name: 'a' },
          { __typename: 'Dog', name: 'b' },
          { __typename: 'Cat', name: 'c' },
        ],
      },
    },
  });
  expect(await schema.query('{ pets { name upper } }')).toEqual({
    data: {
      pets: [
        { name: 'a', upper: 'A' },
        { name: 'b', upper: 'own' },
        { name: 'c', upper: 'C' },
      ],
    },
  });
  expect(upper).toHaveBeenCalledTimes(1);
});
