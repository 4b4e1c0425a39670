/**
 * The seam between tasks and the engines that keep them: PostgreSQL (`postgres/`), BullMQ on Redis (`bullmq/`).
 *
 * A job is one call of a task that was scheduled. It runs at least once: a job whose worker dies is taken over as often as
 * that takes, and only runs that threw or took too long count as attempts. All times are milliseconds since 1970 on the
 * store's clock, all durations milliseconds; payloads and results are JSON texts.
 */

/** Where a job is in its life. */
export type JobState =
  /** Its time has not come, or it waits to be retried. */
  | 'delayed'
  /** It waits for a worker. */
  | 'waiting'
  /** A worker has it. */
  | 'running'
  /** It returned; its result is kept until `expiresAt`. */
  | 'completed'
  /** It threw, and has no attempts left. */
  | 'failed'
  /** It was cancelled before it had returned. */
  | 'cancelled';

/** All states, in the order in which a job goes through them. */
export const JOB_STATES: readonly JobState[] = [
  'delayed',
  'waiting',
  'running',
  'completed',
  'failed',
  'cancelled',
];

/** How long a failed job waits for its next attempt: `delayMs`, or `delayMs * 2^(attempt - 1)` up to `maxDelayMs`. */
export interface Backoff {
  type: 'fixed' | 'exponential';
  delayMs: number;
  maxDelayMs: number;
}

/** A job to store. */
export interface NewJob {
  /** Name of the task. */
  task: string;
  queue: string;
  /** JSON. */
  payload: string;
  /** Jobs whose time has come run in the order of this number, smallest first, then of `runAt`, then as they were added. */
  priority: number;
  /** Not before this time; of a job with `delayMs`, what the clock of whoever schedules it makes of that. */
  runAt: number;
  /** Not before so long after it is stored, by the store's clock, whatever time it is elsewhere; 0 is at once. */
  delayMs?: number | undefined;
  /** A run may take this long; 0 for as long as it wants. */
  timeoutMs: number;
  /** How long its record is kept once it has ended. */
  keepResultMs: number;
  /** Runs that may fail before the job has failed; at least 1. */
  maxAttempts: number;
  backoff: Backoff;
  /** While a job of the same task with the same key is kept, another one is not added. */
  idempotencyKey?: string | undefined;
  /** The job that scheduled this one. */
  parentId?: string | undefined;
  /** `traceparent` of the request or task that scheduled it. */
  trace?: string | undefined;
}

/** A job that was added, or was there already under its idempotency key. */
export interface AddedJob {
  id: string;
  isDuplicate: boolean;
}

/** Why a run failed. */
export interface JobFailure {
  name: string;
  message: string;
  stack?: string;
  /** The error's `code`, if it has one. */
  code?: string;
}

/** What is known of a job. */
export interface JobRecord extends Omit<NewJob, 'trace' | 'delayMs'> {
  id: string;
  state: JobState;
  createdAt: number;
  /** Begin of the last run. */
  startedAt?: number;
  endedAt?: number;
  /** When the record goes. */
  expiresAt?: number;
  /** Runs that were begun. */
  starts: number;
  /** Runs that failed. */
  failures: number;
  /** JSON, of a completed job. */
  result?: string;
  /** Of the last run that failed. */
  failure?: JobFailure;
  /** JSON that the task last reported. */
  progress?: string;
  /** What the task logged, oldest first; the store keeps the last 100 lines. */
  logs: { at: number; line: string }[];
  /** The worker that has it or had it last. */
  worker?: string;
}

/** A job that a worker has to run. */
export interface ClaimedJob {
  id: string;
  task: string;
  queue: string;
  payload: string;
  /** Which run this is, from 1 on; more than the failures where workers died. */
  start: number;
  /** Runs that failed before. */
  failures: number;
  maxAttempts: number;
  timeoutMs: number;
  runAt: number;
  parentId?: string | undefined;
  trace?: string | undefined;
}

/** How a run ended. */
export type RunOutcome =
  | { type: 'completed'; result: string }
  /** Counts as an attempt, and is retried while there are attempts left, unless `isFinal`. */
  | { type: 'failed'; failure: JobFailure; isFinal?: boolean }
  /** Given back without counting: the worker shuts down, or does not know the task. Not before `delayMs` from now. */
  | { type: 'returned'; delayMs: number };

/** What a worker works on, and how. */
export interface WorkOptions {
  queues: readonly string[];
  /** Runs at the same time. */
  concurrency: number;
  /** How long a worker that has died keeps its jobs from others. Renewed by the engine, outside the event loop. */
  leaseMs: number;
  /** Bounds for single tasks, over all workers of the store for `rateLimit`, in this worker for `concurrency`. */
  limits: ReadonlyMap<string, TaskLimits>;
  /**
   * Runs a job. Must not throw. `signal` aborts when the job is cancelled, when its lease was lost, or when the worker is
   * closed by force; the outcome then counts no more.
   */
  run: (job: ClaimedJob, signal: AbortSignal) => Promise<RunOutcome>;
  /** Something is wrong with the store, or right again; the worker goes on by itself. */
  onTrouble: (error: Error | undefined) => void;
}

/** Bounds of one task. */
export interface TaskLimits {
  /** Runs at the same time in one worker. */
  concurrency?: number | undefined;
  /** Runs begun per duration, over all workers. */
  rateLimit?: { max: number; perMs: number } | undefined;
}

/** Works on jobs until it is closed. */
export interface StoreWorker {
  /** Unique among all workers. */
  readonly id: string;
  /** Jobs that it runs now. */
  readonly running: number;
  /** Claims nothing more; resolves when the runs have ended, or after `timeoutMs`, when it has aborted and returned them. */
  close(options: { timeoutMs: number }): Promise<void>;
  /** Stores what a running job tells of itself; micro-batched, in order, never later than its outcome. */
  report(jobId: string, report: { progress?: string; logs?: readonly string[] }): void;
}

/** A schedule: a task that is scheduled again and again. */
export interface StoredSchedule {
  /** Unique; the task's name, and `:key` where it has several. */
  id: string;
  /** A cron expression of five or six fields. */
  cron: string;
  /** IANA name. */
  timeZone: string;
  job: Omit<NewJob, 'runAt' | 'delayMs' | 'idempotencyKey'>;
}

/** Which jobs to list, newest first. */
export interface JobFilter {
  states?: readonly JobState[];
  task?: string;
  queue?: string;
  parentId?: string;
  /** Default 50, at most 1,000. */
  limit?: number;
  /** The `next` of the page before. */
  after?: string;
}

/** How many jobs of a queue are in which state. */
export interface QueueCounts {
  queue: string;
  counts: Record<JobState, number>;
}

/** An engine that keeps jobs and gives them to workers. */
export interface TaskStore {
  readonly engine: 'postgres' | 'bullmq';

  /**
   * Stores jobs and answers in their order. They are durable when it resolves; inside a transaction of the calling context
   * they become visible when it commits, and never if it rolls back.
   */
  add(jobs: readonly NewJob[]): Promise<AddedJob[]>;

  get(id: string): Promise<JobRecord | undefined>;

  list(filter: JobFilter): Promise<{ jobs: JobRecord[]; next?: string }>;

  counts(): Promise<QueueCounts[]>;

  /** Resolves with the record once the job has ended, also if that was before; undefined if there is none. */
  ended(id: string, signal?: AbortSignal): Promise<JobRecord | undefined>;

  /** Cancels a job that has not ended, also a running one, whose signal aborts. False if there was nothing to cancel. */
  cancel(id: string): Promise<boolean>;

  /** Runs a failed or cancelled job again, with all its attempts. False if there is none. */
  retry(id: string): Promise<boolean>;

  /**
   * Makes the stored schedules those of a deployment. An older deployment (by `deployedAt`) changes nothing, so that the
   * newest one decides while several are at work.
   */
  putSchedules(schedules: readonly StoredSchedule[], deployedAt: number): Promise<void>;

  schedules(): Promise<(StoredSchedule & { nextAt: number; lastAt?: number })[]>;

  work(options: WorkOptions): StoreWorker;

  /** Ends what it has open; its workers are closed before. */
  close(): Promise<void>;
}
