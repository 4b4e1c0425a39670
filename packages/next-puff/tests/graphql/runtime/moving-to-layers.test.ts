import { afterAll, beforeAll, expect, test } from '@jest/globals';
import SchemaBuilder from '@pothos/core';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import { fromGraphQLSchema, layer, sql } from 'next-puff/graphql';
import { postgres } from 'next-puff/postgres';

let server: TemporaryPostgres;

beforeAll(async () => {
  server = await startTemporaryPostgres();
  process.env.DATABASE_URL = server.url;
  await postgres.script(`
    create table question (id int primary key, question_text text, owner text);
    create table choice (id int primary key, question_id int, choice_text text);
    insert into question values (1, 'One?', 'ada'), (2, 'Two?', 'bo');
    insert into choice values (1, 1, 'yes'), (2, 1, 'no'), (3, 2, 'maybe');
    alter table question enable row level security;
    create policy own on question using (owner = current_setting('app.user', true));
    create role reader;
    grant select on question, choice to reader;
  `);
}, 30_000);

afterAll(async () => {
  await postgres.end();
  await server.stop();
}, 30_000);

interface Question {
  id: number;
  questionText: string;
}

interface Choice {
  id: number;
  choiceText: string;
}

/** Counts calls of resolvers, and moves the fields with these coordinates to layers. */
function polls(moved: ReadonlySet<string>) {
  const called: string[] = [];
  const note = <T>(name: string, value: T): T => {
    called.push(name);
    return value;
  };
  const at = (coordinate: string, puff: unknown) =>
    moved.has(coordinate) ? { extensions: { puff } } : {};
  const builder = new SchemaBuilder<Record<never, never>>({});
  const ChoiceRef = builder.objectRef<Choice>('Choice').implement({
    fields: (t) => ({
      id: t.exposeInt('id'),
      choiceText: t.exposeString('choiceText'),
    }),
  });
  const QuestionRef = builder.objectRef<Question>('Question').implement({
    fields: (t) => ({
      id: t.exposeInt('id'),
      questionText: t.exposeString('questionText'),
      shout: t.string({
        resolve: ({ questionText }) => note('shout', questionText.toUpperCase()),
      }),
      choices: t.field({
        type: [ChoiceRef],
        ...at(
          'Question.choices',
          layer.static(
            ({ parents }) =>
              sql`select * from choice where question_id = any(${parents.id}) order by id`,
            { on: { id: 'question_id' } },
          ),
        ),
        resolve: async ({ id }) =>
          note(
            'choices',
            await postgres<Choice>`
              select id, choice_text as "choiceText" from choice where question_id = ${id} order by id`,
          ),
      }),
    }),
  });
  builder.queryType({
    fields: (t) => ({
      questions: t.field({
        type: [QuestionRef],
        ...at(
          'Query.questions',
          layer(() => sql`select * from question order by id`),
        ),
        resolve: async () =>
          note(
            'questions',
            await postgres<Question>`
              select id, question_text as "questionText" from question order by id`,
          ),
      }),
    }),
  });
  return { schema: builder.toSchema(), called };
}

const query = '{ questions { id questionText shout choices { id choiceText } } }';
const expected = {
  data: {
    questions: [
      {
        id: 1,
        questionText: 'One?',
        shout: 'ONE?',
        choices: [
          { id: 1, choiceText: 'yes' },
          { id: 2, choiceText: 'no' },
        ],
      },
      { id: 2, questionText: 'Two?', shout: 'TWO?', choices: [{ id: 3, choiceText: 'maybe' }] },
    ],
  },
};

test.each([
  { moved: [], calls: ['questions', 'choices', 'choices', 'shout', 'shout'], statements: 0 },
  { moved: ['Question.choices'], calls: ['questions', 'shout', 'shout'], statements: 1 },
  { moved: ['Query.questions'], calls: ['choices', 'choices', 'shout', 'shout'], statements: 1 },
  { moved: ['Query.questions', 'Question.choices'], calls: ['shout', 'shout'], statements: 2 },
])('with $moved in layers the answer is the same', async ({ moved, calls, statements }) => {
  const { schema, called } = polls(new Set(moved));
  const puff = fromGraphQLSchema(schema, { maskErrors: false });
  expect(await puff.query({ query })).toEqual(expected);
  expect(called.sort()).toEqual([...calls].sort());
  const result = await puff.execute({ query });
  expect(result.statements).toBe(statements);
});

test('settings are set before the first statement, also for what resolvers run', async () => {
  const { schema } = polls(new Set(['Query.questions']));
  const puff = fromGraphQLSchema<{ user: string }>(schema, {
    maskErrors: false,
    // Both may ask the database: they come before the operation's transaction.
    context: async ({ authToken }) => {
      const [row] = await postgres<{ user: string }>`select ${authToken}::text as "user"`;
      return { user: row?.user ?? '' };
    },
    settings: async ({ user }) => {
      const [row] = await postgres<{ role: string }>`select 'reader' as role`;
      return { role: row?.role ?? '', 'app.user': user };
    },
  });
  const seenBy = async (user: string) => {
    const request = new Request('http://localhost', {
      headers: { authorization: `Bearer ${user}` },
    });
    const { data, errors } = await puff.query({
      query: '{ questions { questionText choices { id } } }',
      request,
    });
    expect(errors).toBeUndefined();
    return data?.questions;
  };
  expect(await seenBy('ada')).toEqual([{ questionText: 'One?', choices: [{ id: 1 }, { id: 2 }] }]);
  expect(await seenBy('bo')).toEqual([{ questionText: 'Two?', choices: [{ id: 3 }] }]);
  expect(await seenBy('cy')).toEqual([]);
});
