import { postgres, type Sql, sql } from 'next-puff/postgres';
import { closePoll } from '@/tasks/close-poll';
import type { QuestionInput } from './input';

export type QuestionStatus = 'open' | 'closed';

/** A question as a list shows it. */
export interface QuestionSummary {
  id: number;
  text: string;
  status: QuestionStatus;
  publishedAt: Date;
  choiceCount: number;
  voteCount: number;
  /** The choice with the most votes, while there are votes. */
  leader: string | null;
  leaderVotes: number;
}

export interface Choice {
  id: number;
  text: string;
  votes: number;
}

/** A question with its choices in the order they were written. */
export interface Question {
  id: number;
  text: string;
  status: QuestionStatus;
  publishedAt: Date;
  closedAt: Date | null;
  /** When it is to close by itself. */
  closesAt: Date | null;
  choices: Choice[];
}

/** How many questions there are of each kind. */
export interface QuestionTally {
  all: number;
  open: number;
  closed: number;
}

export const PAGE_SIZE = 12;

/** One page of questions, newest first; `page` counts from 1. */
export async function listQuestions(filter: {
  status?: QuestionStatus | undefined;
  page: number;
}): Promise<QuestionSummary[]> {
  const condition = filter.status ? sql`where status = ${filter.status}::question_status` : sql``;
  return summarize(
    sql`
      select id, text, status, published_at
      from questions ${condition}
      order by published_at desc, id desc
      limit ${PAGE_SIZE}::int offset ${(filter.page - 1) * PAGE_SIZE}::int`,
    sql`page.published_at desc, page.id desc`,
  );
}

/** The questions with the most votes, those without any left out. */
export async function rankQuestions(
  status: QuestionStatus | undefined,
): Promise<QuestionSummary[]> {
  const condition = status ? sql`where status = ${status}::question_status` : sql``;
  return summarize(
    sql`
      select questions.id, text, status, published_at
      from questions join votes on votes.question_id = questions.id ${condition}
      group by questions.id
      order by count(*) desc, questions.id desc
      limit ${PAGE_SIZE}::int`,
    sql`counts.votes desc, page.id desc`,
  );
}

/** What a list shows of the questions that `page` selects: it is cut first, so that votes are counted for its questions only. */
async function summarize(page: Sql, order: Sql): Promise<QuestionSummary[]> {
  return postgres<QuestionSummary>`
    with page as (${page})
    select page.id, page.text, page.status::text as status, page.published_at as "publishedAt",
           counts.choices as "choiceCount", counts.votes as "voteCount",
           counts.leader, counts."leaderVotes"
    from page
    cross join lateral (
      select count(*)::int as choices,
             coalesce(sum(votes), 0)::int as votes,
             coalesce(max(votes), 0)::int as "leaderVotes",
             (array_agg(text order by votes desc, position) filter (where votes > 0))[1] as leader
      from (
        select choices.text, choices.position, count(votes.id) as votes
        from choices left join votes on votes.question_id = page.id and votes.choice_id = choices.id
        where choices.question_id = page.id
        group by choices.id
      ) as choice
    ) as counts
    order by ${order}`;
}

/** Counts the questions, all and by status. */
export async function tallyQuestions(): Promise<QuestionTally> {
  const [tally] = await postgres<QuestionTally>`
    select count(*)::int as all,
           count(*) filter (where status = 'open')::int as open,
           count(*) filter (where status = 'closed')::int as closed
    from questions`;
  return tally ?? { all: 0, open: 0, closed: 0 };
}

/** The question with its choices and their votes, or undefined when there is none with that id. */
export async function findQuestion(id: number): Promise<Question | undefined> {
  const [question, choices] = await Promise.all([
    postgres.first<Omit<Question, 'choices'>>(sql`
      select id, text, status::text as status, published_at as "publishedAt", closed_at as "closedAt",
             closes_at as "closesAt"
      from questions where id = ${id}`),
    postgres<Choice>`
      select choices.id, choices.text, count(votes.id)::int as votes
      from choices left join votes on votes.question_id = ${id} and votes.choice_id = choices.id
      where choices.question_id = ${id}
      group by choices.id
      order by choices.position`,
  ]);
  return question && { ...question, choices };
}

/** The same question was asked before. */
export class QuestionExistsError extends Error {
  override name = 'QuestionExistsError';
  constructor(text: string, options?: ErrorOptions) {
    super(`“${text}” has been asked already.`, options);
  }
}

/**
 * Stores a question and its choices, and schedules its end where it has one, all or nothing, and answers the question's id.
 *
 * @throws {QuestionExistsError} when another question has the same text.
 */
export async function createQuestion(
  input: QuestionInput,
  authorId: string | null,
  closesInHours?: number,
): Promise<number> {
  try {
    return await postgres.transaction(async (tx) => {
      const [question] = await tx<{ id: number; closesAt: Date | null }>`
        insert into questions (text, author_id, closes_at)
        values (${input.text}, ${authorId}, now() + ${closesInHours ?? null}::int * interval '1 hour')
        returning id, closes_at as "closesAt"`;
      if (!question) throw new Error('PostgreSQL returned no id for the new question.');
      const rows = input.choices.map((text, index) => sql`(${question.id}, ${text}, ${index + 1})`);
      await tx.execute(sql`
        insert into choices (question_id, text, position) values ${sql.join(rows, sql`, `)}`);
      // Part of the transaction: without the question there is nothing to close.
      if (question.closesAt)
        await closePoll.schedule({ questionId: question.id }, { at: question.closesAt });
      return question.id;
    });
  } catch (error) {
    // Left to the unique index rather than looked up before: two who ask at once cannot both pass.
    if (
      error instanceof Error &&
      'constraint' in error &&
      error.constraint === 'questions_text_key'
    )
      throw new QuestionExistsError(input.text, { cause: error });
    throw error;
  }
}

/** Whether this visitor asked the question. The author's id itself stays inside: knowing it is being the author. */
export async function isAuthor(id: number, visitorId: string): Promise<boolean> {
  const found = await postgres`
    select 1 from questions where id = ${id} and author_id = ${visitorId}`;
  return found.length === 1;
}

/** Closes an open question of this author; false when there is none such. */
export async function closeQuestion(id: number, authorId: string): Promise<boolean> {
  const { rowCount } = await postgres.execute(sql`
    update questions set status = 'closed', closed_at = now()
    where id = ${id} and author_id = ${authorId} and status = 'open'`);
  return rowCount === 1;
}
