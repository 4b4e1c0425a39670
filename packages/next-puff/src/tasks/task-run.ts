import { currentContext, type RequestContext } from '../context/index.js';
import type { ClaimedJob } from './store.js';

/** The job that a task runs for. */
export interface RunningJob {
  readonly id: string;
  /** Name of the task. */
  readonly task: string;
  readonly queue: string;
  /** When it was to run, in milliseconds since 1970. */
  readonly runAt: number;
  /** Runs that may fail before the job has failed. */
  readonly maxAttempts: number;
  /** The job that scheduled it. */
  readonly parentId: string | undefined;
}

/** What a task's function gets beside its payload. */
export interface TaskRun {
  readonly job: RunningJob;
  /**
   * Which attempt this is, from 1 on. A run whose worker died is no attempt, so that a number may come twice.
   */
  readonly attempt: number;
  /**
   * Aborts when the time of `timeoutMs` is over, when the job is cancelled, when another worker has taken it over, and when
   * the worker ends. What the function returns afterwards counts no more.
   */
  readonly signal: AbortSignal;
  /** Keeps a line with the job's record, which holds the last 100. */
  log(line: string): void;
  /** Keeps a value with the job's record, for example `{ done: 3, of: 10 }`. It must be JSON. */
  progress(value: unknown): void;
}

/** The job as its function sees it. */
export function runningJobOf(job: ClaimedJob): RunningJob {
  const { id, task, queue, runAt, maxAttempts, parentId } = job;
  return { id, task, queue, runAt, maxAttempts, parentId };
}

const KEY = Symbol.for('next-puff.task-run');

/** Remembers in a context which run it is. */
export function enterRun(context: RequestContext, run: TaskRun): void {
  context.resources.set(KEY, run);
}

/** The run that the calling code belongs to; nothing outside of tasks. */
export function currentTask(): TaskRun | undefined {
  return currentContext()?.resources.get(KEY) as TaskRun | undefined;
}
