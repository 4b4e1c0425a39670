import { parseArgs } from 'node:util';
import { postgres, sql } from 'next-puff/postgres';
import { generatedQuestions, SAMPLE_QUESTIONS, type SeedQuestion } from './seed-questions';

/** Rows that go into one statement. */
const BATCH = 500;

/**
 * Fills the database with questions and votes. The same arguments give the same rows, and what is there already is
 * left alone, so running it again adds nothing.
 *
 * `--questions N` makes up questions until there are N seeded ones.
 */
export async function seed(args: readonly string[]): Promise<void> {
  const count = questionCount(args);
  const questions = [
    ...SAMPLE_QUESTIONS,
    ...generatedQuestions(count - SAMPLE_QUESTIONS.length),
  ].slice(0, count);

  const added = { questions: 0, votes: 0 };
  for (let start = 0; start < questions.length; start += BATCH) {
    const batch = await addQuestions(questions.slice(start, start + BATCH));
    added.questions += batch.questions;
    added.votes += batch.votes;
  }
  console.log(
    added.questions === 0
      ? `Nothing to seed: all ${count} questions are there.`
      : `Seeded ${added.questions} questions with ${added.votes} votes.`,
  );
}

function questionCount(args: readonly string[]): number {
  const { values } = parseArgs({ args: [...args], options: { questions: { type: 'string' } } });
  if (values.questions === undefined) return SAMPLE_QUESTIONS.length;
  const count = Number(values.questions);
  if (!Number.isInteger(count) || count < 1 || count > 100_000)
    throw new RangeError(
      `--questions takes a whole number from 1 to 100000, not ${values.questions}.`,
    );
  return count;
}

/** Adds those of the questions whose text is new, with their choices and votes, in one transaction. */
async function addQuestions(
  questions: SeedQuestion[],
): Promise<{ questions: number; votes: number }> {
  return postgres.transaction(async (tx) => {
    const inserted = await tx<{ id: number; text: string }>`
      insert into questions (text, status, published_at, closed_at)
      select text, status::question_status, "publishedAt", "closedAt"
      from jsonb_to_recordset(${sql.json(questions)}::jsonb)
        as question(text text, status text, "publishedAt" timestamptz, "closedAt" timestamptz)
      on conflict (text) do nothing
      returning id, text`;
    if (inserted.length === 0) return { questions: 0, votes: 0 };

    const ids = new Map(inserted.map((question) => [question.text, question.id]));
    const choices = questions.flatMap((question) => {
      const questionId = ids.get(question.text);
      if (questionId === undefined) return [];
      return question.choices.map(([text, votes], index) => ({
        questionId,
        text,
        votes,
        position: index + 1,
      }));
    });
    // Voters are named after the question, so that they are the same in every seeded database.
    const { rowCount: votes } = await tx.execute(sql`
      with seeded as (
        select * from jsonb_to_recordset(${sql.json(choices)}::jsonb)
          as choice("questionId" int, text text, votes int, position smallint)
      ), choice as (
        insert into choices (question_id, text, position)
        select "questionId", text, position from seeded order by "questionId", position
        returning id, question_id, position
      )
      insert into votes (question_id, choice_id, voter_id, voted_at)
      select choice.question_id, choice.id,
             md5(concat_ws('/', questions.text, choice.position, voter))::uuid,
             questions.published_at + voter * interval '7 minutes'
      from choice
      join seeded on seeded."questionId" = choice.question_id and seeded.position = choice.position
      join questions on questions.id = choice.question_id
      cross join generate_series(1, seeded.votes) as voter`);
    return { questions: inserted.length, votes };
  });
}
