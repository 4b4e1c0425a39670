import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { currentContext } from 'next-puff/next';
import { type TaskRun, task } from 'next-puff/tasks';
import { GREETING } from '@/lib/greeting';

export const sendMail = task(
  async ({ to, gate }: { to: string; gate?: string }, { job, signal }: TaskRun) => {
    note('begin', job.id);
    // Runs until a test makes the file.
    while (gate !== undefined && !existsSync(gate)) await sleep(20, undefined, { signal });
    note('end', job.id);
    return {
      text: `${GREETING} ${to}`,
      task: job.task,
      by: process.env.FIXTURE_NAME,
      trace: currentContext()?.trace ?? null,
    };
  },
  { retries: 2 },
);

/** Writes down which code is at work. */
function note(what: 'begin' | 'end', id: string): void {
  appendFileSync(process.env.FIXTURE_RUNS as string, `${what} ${id} ${GREETING}\n`);
}
