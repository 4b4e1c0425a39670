import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { currentContext } from 'next-puff/next';
import { type TaskRun, task } from 'next-puff/tasks';
import { GREETING } from '@/lib/greeting';

export const sendMail = task(
  async ({ to, gate }: { to: string; gate?: string }, { job, signal }: TaskRun) => {
    // Runs until a test makes the file.
    while (gate !== undefined && !existsSync(gate)) await sleep(20, undefined, { signal });
    return {
      text: `${GREETING} ${to}`,
      task: job.task,
      by: process.env.FIXTURE_NAME,
      trace: currentContext()?.trace ?? null,
    };
  },
  { retries: 2 },
);
