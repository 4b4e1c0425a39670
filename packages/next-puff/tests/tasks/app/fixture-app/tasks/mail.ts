import { type TaskRun, task } from 'next-puff/tasks';
import { GREETING } from '@/lib/greeting';

export const sendMail = task(
  async (payload: { to: string; waitMs?: number }, { job, signal }: TaskRun) => {
    if (payload.waitMs) await new Promise((resolve) => setTimeout(resolve, payload.waitMs));
    return { text: `${GREETING} ${payload.to}`, task: job.task, isAborted: signal.aborted };
  },
  { retries: 2 },
);
