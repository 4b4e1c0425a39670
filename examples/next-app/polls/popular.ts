import { cacheLife, cacheTag } from 'next/cache';
import { POPULAR_TAG } from './popular-tag';
import { type QuestionStatus, type QuestionSummary, rankQuestions } from './questions';

/** The questions with the most votes, and when they were counted. */
export interface Popular {
  questions: QuestionSummary[];
  countedAt: Date;
}

/** Counts all votes there are, so it is kept until somebody votes or a poll closes: see `announceResults`. */
export async function popularQuestions(status: QuestionStatus | undefined): Promise<Popular> {
  'use cache';
  cacheTag(POPULAR_TAG);
  cacheLife('hours');
  return { questions: await rankQuestions(status), countedAt: new Date() };
}
