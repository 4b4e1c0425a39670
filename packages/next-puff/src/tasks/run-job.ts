import { RequestContext, runInContext } from '../context/index.js';
import { PuffError, TaskCancelledError, TaskPayloadError } from '../errors.js';
import { say } from '../report.js';
import { failureOf, storable } from './job-failure.js';
import { jsonTextOf } from './json-text.js';
import { findTask, type RegisteredTask } from './registry.js';
import { describeIssues } from './standard-schema.js';
import type { ClaimedJob, RunOutcome, StoreWorker } from './store.js';
import { enterRun, runningJobOf, type TaskRun } from './task-run.js';

/** What running jobs needs. */
export interface RunJobOptions {
  report: StoreWorker['report'];
  /** How long a job whose task is not known is given back before it fails. */
  unknownTaskMs: number;
  /** What a function gets to end after its signal has aborted. */
  graceMs: number;
}

/** A function that has not heard its signal after this long is left behind. */
export const GRACE_MS = 5_000;

const FIRST_GIVE_BACK_MS = 1_000;
const LONGEST_GIVE_BACK_MS = 30_000;

/** Names of unknown tasks that were told of, so that each is told once. */
const toldUnknown = new Set<string>();

/**
 * Runs a job and answers how that ended; it does not throw.
 *
 * The function runs in a context of the kind `task`. When its time is over its signal aborts; it then has `graceMs` to stop,
 * and the run has failed whatever it does. One that does not stop is left behind, so that its slot is free again.
 */
export async function runJob(
  job: ClaimedJob,
  signal: AbortSignal,
  options: RunJobOptions,
): Promise<RunOutcome> {
  const task = findTask(job.task);
  if (task === undefined) return unknownTask(job, options.unknownTaskMs);
  const context = new RequestContext({
    kind: 'task',
    name: job.task,
    deadlineMs: job.timeoutMs,
    transaction: task.definition.transaction,
    trace: job.trace,
  });
  const stopped = new Promise<'stopped'>((resolve) => {
    context.signal.addEventListener('abort', () => {
      setTimeout(resolve, options.graceMs, 'stopped' as const).unref();
    });
  });
  const abort = () => context.abort(reasonOf(signal, job));
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });

  const run = newRun(job, context, options.report);
  enterRun(context, run);
  const running = runInContext(context, () => runToOutcome(task, job, run, context));
  try {
    const outcome = await Promise.race([running, stopped]);
    if (outcome === 'stopped') {
      say(
        `task ${job.task} (job ${job.id}) still runs ${options.graceMs} ms after its signal aborted and is left behind: its code must listen to \`signal\``,
      );
      void context.settle('failure').catch(() => {});
    }
    // What the function did after its time was over counts no more, whatever it was.
    if (context.signal.aborted) return failed(context.signal.reason);
    return outcome === 'stopped' ? failed(context.signal.reason) : outcome;
  } finally {
    signal.removeEventListener('abort', abort);
    context.clearDeadline();
  }
}

async function runToOutcome(
  task: RegisteredTask,
  job: ClaimedJob,
  run: TaskRun,
  context: RequestContext,
): Promise<RunOutcome> {
  let isFinal = false;
  try {
    isFinal = !task.definition.retryInvalidPayload;
    const payload = await payloadOf(task, job);
    isFinal = false;
    const returned: unknown = await task.fn(payload as never, run);
    context.signal.throwIfAborted();
    isFinal = true;
    const result = returned === undefined ? 'null' : jsonTextOf(returned, 'result');
    isFinal = false;
    context.deactivate();
    await context.settle('success');
    return { type: 'completed', result };
  } catch (error) {
    context.deactivate();
    await context.settle('failure');
    return failed(error, isFinal);
  }
}

/** What the function is called with. */
async function payloadOf({ definition }: RegisteredTask, job: ClaimedJob): Promise<unknown> {
  const { migrate, schema } = definition;
  // `null` is the text of no payload.
  const stored: unknown = JSON.parse(job.payload) ?? undefined;
  const payload = migrate ? migrate(stored) : stored;
  if (schema === undefined) return payload;
  const validated = await schema['~standard'].validate(payload);
  if (validated.issues === undefined) return validated.value;
  throw new TaskPayloadError(
    `The payload of job ${job.id} does not fit the schema of ${job.task}:\n${describeIssues(validated.issues, 'payload')}`,
    {
      operation: 'run',
      hint: 'It may be of an older version of the app: accept it in the schema, or change it in `migrate`.',
    },
  );
}

function newRun(job: ClaimedJob, context: RequestContext, report: StoreWorker['report']): TaskRun {
  return {
    job: runningJobOf(job),
    attempt: job.failures + 1,
    signal: context.signal,
    log: (line) => report(job.id, { logs: [storable(String(line))] }),
    progress: (value) => report(job.id, { progress: jsonTextOf(value, 'progress') }),
  };
}

function failed(error: unknown, isFinal = false): RunOutcome {
  return { type: 'failed', failure: failureOf(error), ...(isFinal && { isFinal }) };
}

/** Why a store has aborted a run. */
function reasonOf(signal: AbortSignal, job: ClaimedJob): Error {
  const { reason } = signal as { reason: unknown };
  // What AbortController gives by itself says nothing.
  if (reason instanceof Error && reason.name !== 'AbortError') return reason;
  return new TaskCancelledError(
    `The job ${job.id} of ${job.task} was cancelled, or taken from this worker.`,
    { operation: 'run' },
  );
}

/** Another instance may know the task: one of the next version, in the middle of a deployment. */
function unknownTask(job: ClaimedJob, unknownTaskMs: number): RunOutcome {
  if (givenBackFor(job.start) >= unknownTaskMs) {
    return failed(
      new PuffError(
        'PUFF_TASK_UNKNOWN',
        `No worker that had job ${job.id} knows the task ${job.task}.`,
        {
          operation: 'run',
          hint: 'It was renamed or removed: give a task this name again and retry the job.',
        },
      ),
      true,
    );
  }
  if (!toldUnknown.has(job.task)) {
    toldUnknown.add(job.task);
    say(
      `there is no task ${job.task} here: its jobs are given back for another instance; they fail when none has known it for ${Math.round(unknownTaskMs / 1000)} s`,
    );
  }
  return { type: 'returned', delayMs: giveBackMs(job.start) };
}

/** The wait after the run number `start`: 1 s, 2 s, 4 s ... 30 s. */
function giveBackMs(start: number): number {
  return Math.min(FIRST_GIVE_BACK_MS * 2 ** Math.min(start - 1, 10), LONGEST_GIVE_BACK_MS);
}

/** How long a job was given back before the run number `start`. */
function givenBackFor(start: number): number {
  let total = 0;
  for (let before = 1; before < Math.min(start, 6); before++) total += giveBackMs(before);
  return total + Math.max(0, start - 6) * LONGEST_GIVE_BACK_MS;
}
