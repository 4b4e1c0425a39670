'use server';

import { redirect } from 'next/navigation';
import { parseClosing } from './closing-hours';
import { checkQuestion, parseId, type QuestionFaults } from './input';
import { announceResults } from './live';
import { isOutage, OUTAGE_MESSAGE } from './outage';
import { createQuestion, QuestionExistsError } from './questions';
import { visitor } from './visitor';
import { castVote, type VoteOutcome } from './votes';

/** What the voting form says when a vote was not counted. */
export interface VoteState {
  fault?: string;
}

const VOTE_FAULTS = {
  closed: 'This poll was closed in the meantime. Your vote was not counted.',
  'no-such-choice': 'Pick one of the answers first.',
  'no-such-question': 'This poll does not exist any more.',
} satisfies Partial<Record<VoteOutcome, string>>;

/** Counts a vote and goes on to the results. */
export async function vote(_previous: VoteState, form: FormData): Promise<VoteState> {
  const questionId = parseId(form.get('question'));
  const choiceId = parseId(form.get('choice'));
  if (!questionId) return { fault: VOTE_FAULTS['no-such-question'] };
  if (!choiceId) return { fault: VOTE_FAULTS['no-such-choice'] };

  let outcome: VoteOutcome;
  try {
    outcome = await castVote({ questionId, choiceId, voterId: await visitor() });
  } catch (error) {
    if (isOutage(error)) return { fault: OUTAGE_MESSAGE };
    throw error;
  }
  if (outcome !== 'counted' && outcome !== 'changed') return { fault: VOTE_FAULTS[outcome] };
  announceResults(questionId);
  redirect(`/polls/${questionId}/results?vote=${outcome}`);
}

/** What was typed into the question form and what is wrong with it. */
export interface AskState {
  text: string;
  choices: string[];
  closes: string;
  faults: QuestionFaults & { form?: string };
}

/** Stores a question and goes on to its page. */
export async function ask(_previous: AskState, form: FormData): Promise<AskState> {
  const text = String(form.get('text') ?? '');
  const choices = form.getAll('choice').map(String);
  const closes = String(form.get('closes') ?? '');
  const typed = { text, choices, closes };
  const { input, faults } = checkQuestion(text, choices);
  if (faults) return { ...typed, faults };

  let id: number;
  try {
    id = await createQuestion(input, await visitor(), parseClosing(closes) ?? undefined);
  } catch (error) {
    if (error instanceof QuestionExistsError) return { ...typed, faults: { text: error.message } };
    if (isOutage(error)) return { ...typed, faults: { form: OUTAGE_MESSAGE } };
    throw error;
  }
  redirect(`/polls/${id}`);
}
