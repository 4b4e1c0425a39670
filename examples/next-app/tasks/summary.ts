import { task } from 'next-puff/tasks';
import { summarize } from '@/polls/summary';
import { sendMail } from './send-mail';

/** Every night, a mail about the day before. */
export const nightlySummary = task(
  async () => {
    const summary = await summarize();
    await sendMail.schedule(
      { to: 'everyone@polls.example', subject: 'The day in polls', text: summary },
      // Before all else that waits to be sent.
      { priority: -1 },
    );
    return { summary };
  },
  { cron: '0 3 * * *', timeZone: 'Europe/Berlin' },
);
