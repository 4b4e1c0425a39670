import { postgres } from 'next-puff/postgres';
import { type TaskRun, task } from 'next-puff/tasks';
import { closeIfDue } from '@/polls/closing';
import { publishResults } from '@/polls/live';
import { sendMail } from './send-mail';

/**
 * Closes a poll whose time has come. It is scheduled in the transaction that stores the poll, and may run more than once: a
 * poll that is closed already stays as it is.
 */
export const closePoll = task(async ({ questionId }: { questionId: number }, { log }: TaskRun) => {
  const closed = await postgres.transaction(async () => {
    const question = await closeIfDue(questionId);
    // Closing and the mail about it are both stored, or neither.
    if (question)
      await sendMail.schedule({
        to: 'everyone@polls.example',
        subject: `Closed: ${question.text}`,
        text: `The poll “${question.text}” has ended with ${question.votes} votes.`,
      });
    return question;
  });
  if (closed) await publishResults(questionId);
  log(closed ? `Closed “${closed.text}”.` : 'There was nothing to close.');
  return { isClosed: closed !== undefined };
});
