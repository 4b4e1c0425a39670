import { prisma } from './prisma';
import type { QuestionStatus } from './questions';

export interface Result {
  id: number;
  text: string;
  votes: number;
  /** Of all votes for the question, 0 to 1; 0 while there are none. */
  share: number;
}

export interface Results {
  id: number;
  text: string;
  status: QuestionStatus;
  publishedAt: Date;
  closedAt: Date | null;
  voteCount: number;
  /** Most votes first; equal ones in the order they were written. */
  choices: Result[];
}

/** Reads a question's results through Prisma, or undefined when there is no such question. */
export async function readResults(id: number): Promise<Results | undefined> {
  const question = await prisma().question.findUnique({
    where: { id },
    include: {
      choices: {
        orderBy: [{ votes: { _count: 'desc' } }, { position: 'asc' }],
        include: { _count: { select: { votes: true } } },
      },
    },
  });
  if (!question) return undefined;

  const voteCount = question.choices.reduce((sum, choice) => sum + choice._count.votes, 0);
  return {
    id: question.id,
    text: question.text,
    status: question.status === 'OPEN' ? 'open' : 'closed',
    publishedAt: question.publishedAt,
    closedAt: question.closedAt,
    voteCount,
    choices: question.choices.map((choice) => ({
      id: choice.id,
      text: choice.text,
      votes: choice._count.votes,
      share: voteCount === 0 ? 0 : choice._count.votes / voteCount,
    })),
  };
}
