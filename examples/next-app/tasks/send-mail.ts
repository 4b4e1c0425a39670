import { type TaskRun, task } from 'next-puff/tasks';
import { type Mail, writeMail } from '@/polls/mail';

/** Sends a mail, that is, writes it to a file. Tried again for an hour or so, as with a mail server that is away. */
export const sendMail = task(
  async (mail: Mail, { job, attempt, log }: TaskRun) => {
    const file = await writeMail(mail, job.id);
    log(`Attempt ${attempt}: written to ${file}.`);
    return { file };
  },
  {
    timeoutMs: 10_000,
    retries: 10,
    backoff: { type: 'exponential', delayMs: 2_000, maxDelayMs: 600_000 },
    // No more than a mail server would take.
    rateLimit: { max: 20, perMs: 1_000 },
  },
);
