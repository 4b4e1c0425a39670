import {
  TaskCancelledError,
  TaskFailedError,
  TaskNotFoundError,
  TaskTimeoutError,
} from '../errors.js';
import { openStore } from './open-store.js';
import type { JobFailure, JobRecord, JobState } from './store.js';
import { checkWhole } from './task-options.js';

/** What is known of a job, for people and programs; times are milliseconds since 1970. */
export interface TaskStatus<Result = unknown> {
  id: string;
  task: string;
  queue: string;
  state: JobState;
  payload: unknown;
  priority: number;
  createdAt: number;
  runAt: number;
  /** Begin of the last run. */
  startedAt: number | undefined;
  endedAt: number | undefined;
  /** When the record goes. */
  expiresAt: number | undefined;
  /** Runs that were begun. */
  starts: number;
  /** Runs that failed. */
  failures: number;
  maxAttempts: number;
  /** Of a completed job. */
  result: Result | undefined;
  /** Of the last run that failed. */
  failure: JobFailure | undefined;
  progress: unknown;
  logs: readonly { at: number; line: string }[];
  parentId: string | undefined;
  /** The worker that has it or had it last. */
  worker: string | undefined;
}

/** How to wait for a result. */
export interface ResultOptions {
  /** Give up waiting after so many milliseconds; the task goes on. Default: wait for as long as it takes. */
  timeoutMs?: number;
  /** Give up waiting when this aborts; the task goes on. */
  signal?: AbortSignal;
}

/** A job, by its id. */
export class TaskHandle<Result = unknown> {
  readonly id: string;
  /** Whether the job was there already, under its idempotency key. */
  readonly isDuplicate: boolean;

  constructor(id: string, isDuplicate = false) {
    this.id = id;
    this.isDuplicate = isDuplicate;
  }

  /**
   * Waits for the job's end and resolves with what the task returned; `null` if that was nothing.
   *
   * @throws TaskFailedError, TaskCancelledError, TaskTimeoutError, TaskNotFoundError; the reason of `signal`
   */
  async result({ timeoutMs, signal }: ResultOptions = {}): Promise<Result> {
    const record = await endOf(this.id, timeoutMs, signal);
    switch (record?.state) {
      case 'completed':
        return JSON.parse(record.result ?? 'null') as Result;
      case 'failed':
        throw failedError(record);
      case 'cancelled':
        throw new TaskCancelledError(`The job ${this.id} of ${record.task} was cancelled.`, {
          operation: 'result',
        });
      default:
        throw notFound(this.id);
    }
  }

  /** What is known of the job; nothing once its record has expired. */
  async status(): Promise<TaskStatus<Result> | undefined> {
    const record = await (await openStore()).get(this.id);
    return record && statusOf<Result>(record);
  }

  /** Cancels the job, also while it runs: then its signal aborts. False when it had ended. */
  async cancel(): Promise<boolean> {
    return (await openStore()).cancel(this.id);
  }

  /** Runs a failed or cancelled job again, with all its attempts. False if it is neither. */
  async retry(): Promise<boolean> {
    return (await openStore()).retry(this.id);
  }

  /** The jobs that the task has scheduled while it ran, oldest first; at most 1,000. */
  async children(): Promise<TaskHandle[]> {
    const { jobs } = await (await openStore()).list({ parentId: this.id, limit: 1_000 });
    return jobs.map(({ id }) => new TaskHandle(id)).reverse();
  }
}

/** The handle of a job whose id was kept. */
export function taskHandle<Result = unknown>(id: string): TaskHandle<Result> {
  return new TaskHandle<Result>(id);
}

/** A record with its JSON read. */
export function statusOf<Result>(record: JobRecord): TaskStatus<Result> {
  const { result, progress } = record;
  return {
    id: record.id,
    task: record.task,
    queue: record.queue,
    state: record.state,
    payload: JSON.parse(record.payload) ?? undefined,
    priority: record.priority,
    createdAt: record.createdAt,
    runAt: record.runAt,
    startedAt: record.startedAt,
    endedAt: record.endedAt,
    expiresAt: record.expiresAt,
    starts: record.starts,
    failures: record.failures,
    maxAttempts: record.maxAttempts,
    result: result === undefined ? undefined : (JSON.parse(result) as Result),
    failure: record.failure,
    progress: progress === undefined ? undefined : JSON.parse(progress),
    logs: record.logs,
    parentId: record.parentId,
    worker: record.worker,
  };
}

async function endOf(
  id: string,
  timeoutMs: number | undefined,
  signal: AbortSignal | undefined,
): Promise<JobRecord | undefined> {
  if (timeoutMs !== undefined) checkWhole('timeoutMs', timeoutMs, 0, 2_147_483_647);
  const store = await openStore();
  signal?.throwIfAborted();
  const controller = new AbortController();
  const stop = () => controller.abort(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  const late = () =>
    controller.abort(
      new TaskTimeoutError(`The job ${id} did not end within ${timeoutMs} ms.`, {
        operation: 'result',
        hint: 'It goes on: ask for its result later, or wait longer.',
      }),
    );
  const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
  // Whatever the store does with its signal, nobody waits longer.
  const given = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason));
  });
  try {
    return await Promise.race([store.ended(id, controller.signal), given]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

function failedError(record: JobRecord): TaskFailedError {
  const {
    id,
    task,
    failures,
    failure = { name: 'Error', message: 'It is not known why.' },
  } = record;
  const runs = failures === 1 ? 'its only attempt' : `the last of ${failures} attempts`;
  return new TaskFailedError(
    `The job ${id} of ${task} failed in ${runs}: ${failure.name}: ${failure.message}`,
    { jobId: id, task, failure },
    { operation: 'result' },
  );
}

function notFound(id: string): TaskNotFoundError {
  return new TaskNotFoundError(`There is no job ${id}.`, {
    operation: 'result',
    hint: 'Its record may have expired (keepResultsForMs), or the transaction that scheduled it has not committed.',
  });
}
