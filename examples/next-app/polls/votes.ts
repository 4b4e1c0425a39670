import { postgres, sql } from 'next-puff/postgres';

/** What became of a vote. A voter's second vote for a question replaces the first. */
export type VoteOutcome = 'counted' | 'changed' | 'closed' | 'no-such-choice' | 'no-such-question';

export interface Ballot {
  questionId: number;
  choiceId: number;
  /** A UUID: the visitor's cookie, or whatever an API client names. */
  voterId: string;
}

/** Counts a vote if the question is open and has that choice. */
export async function castVote({ questionId, choiceId, voterId }: Ballot): Promise<VoteOutcome> {
  // The share lock makes a concurrent close wait for this vote, or this vote see the close.
  const [vote] = await postgres<{ isNew: boolean }>`
    insert into votes (question_id, choice_id, voter_id)
    select questions.id, choices.id, ${voterId}::uuid
    from questions join choices on choices.question_id = questions.id
    where questions.id = ${questionId} and choices.id = ${choiceId} and questions.status = 'open'
    for share of questions
    on conflict (question_id, voter_id)
      do update set choice_id = excluded.choice_id, voted_at = excluded.voted_at
    returning xmax = 0 as "isNew"`;
  if (vote) return vote.isNew ? 'counted' : 'changed';

  const question = await postgres.first<{ isOpen: boolean }>(sql`
    select status = 'open' as "isOpen" from questions where id = ${questionId}`);
  if (!question) return 'no-such-question';
  return question.isOpen ? 'no-such-choice' : 'closed';
}

/** The choice this visitor voted for, if any. */
export async function votedChoice(
  questionId: number,
  voterId: string,
): Promise<number | undefined> {
  const vote = await postgres.first<{ choiceId: number }>(sql`
    select choice_id as "choiceId" from votes
    where question_id = ${questionId} and voter_id = ${voterId}`);
  return vote?.choiceId;
}
