import type { JobsOptions } from 'bullmq';
import { PuffError } from '../../errors.js';
import type { NewJob } from '../store.js';

/** BullMQ's priorities are 1 to 2^21 - 1; ours are moved there, so that 0 is in the middle. */
const PRIORITY_OFFSET = 2 ** 20;
/** The largest priority, and less its sign the smallest one. */
export const MAX_PRIORITY = PRIORITY_OFFSET - 1;

/**
 * A job this much behind its time when it is added is sorted in by that time, through BullMQ's delayed jobs, which costs Redis
 * more and the worker a wake-up. Whoever means "now" is behind by as much as the event loop was busy in between.
 */
const LATE_MS = 50;

/** Lines of a job's log that are kept. */
export const KEPT_LOGS = 100;

/**
 * What a job needs beyond BullMQ's options, in its `opts.puff`. A job that a plain BullMQ producer has added has none.
 */
export interface PuffOptions {
  /** Not of a schedule's jobs: BullMQ's `timestamp` and `delay` say it. */
  runAt?: number;
  /** Where `timestamp` is another time, because the job was late when it was added. */
  createdAt?: number;
  timeoutMs: number;
  keepResultMs: number;
  maxDelayMs: number;
  /** The idempotency key. */
  key?: string;
  /** Tells which of several jobs with one idempotency key was added. */
  nonce?: string;
  parent?: string;
  /** The payload is `null`, of which BullMQ's schedulers make an empty object. */
  isNull?: true;
}

/** A job's options as the store writes and reads them. */
export type StoredOptions = JobsOptions & { puff?: PuffOptions };

/** BullMQ's options for a job. */
export function optionsOf(job: NewJob, jobId: string, nonce: string, now: number): StoredOptions {
  const behindMs = now - job.runAt;
  const isLate = behindMs > LATE_MS;
  const puff: PuffOptions = {
    runAt: job.runAt,
    timeoutMs: job.timeoutMs,
    keepResultMs: job.keepResultMs,
    maxDelayMs: job.backoff.maxDelayMs,
  };
  if (job.idempotencyKey !== undefined) Object.assign(puff, { key: job.idempotencyKey, nonce });
  if (job.parentId !== undefined) puff.parent = job.parentId;
  const options: StoredOptions = { ...templateOf(job), jobId, timestamp: now, puff };
  if (isLate) {
    // BullMQ sorts delayed jobs by timestamp + delay, and asks for a delay above 0.
    puff.createdAt = now;
    options.timestamp = Math.max(1, Math.floor(job.runAt) - 1);
    options.delay = 1;
  } else if (behindMs < 0) {
    options.delay = Math.ceil(-behindMs);
  }
  return options;
}

/** The options that a schedule gives to each of its jobs. */
export function templateOf(job: Omit<NewJob, 'runAt' | 'idempotencyKey'>): StoredOptions {
  const options: StoredOptions = {
    priority: priorityOf(job.priority, job.task),
    attempts: job.maxAttempts,
    backoff: { type: job.backoff.type, delay: job.backoff.delayMs },
    // Records go by themselves, at the time that the job says: see Expiry.
    removeOnComplete: false,
    removeOnFail: false,
    keepLogs: KEPT_LOGS,
  };
  // As BullMQ's OpenTelemetry support writes it.
  if (job.trace !== undefined) {
    options.telemetry = { metadata: JSON.stringify({ traceparent: job.trace }) };
  }
  return options;
}

/** BullMQ's priority for one of ours. */
export function priorityOf(priority: number, task: string): number {
  if (Number.isInteger(priority) && Math.abs(priority) <= MAX_PRIORITY) {
    return priority + PRIORITY_OFFSET;
  }
  throw new PuffError('PUFF_TASK_PRIORITY', `${task} cannot have the priority ${priority}.`, {
    operation: 'schedule',
    hint: `On Redis a priority is a whole number from ${-MAX_PRIORITY} to ${MAX_PRIORITY}: BullMQ has 21 bits for it.`,
  });
}

/** Our priority of a job in BullMQ; one without a priority comes before all others. */
export function priorityFrom(priority: number): number {
  return priority - PRIORITY_OFFSET;
}

/** How long a failed job waits; `failures` counts the last one. */
export function retryDelay(options: StoredOptions, failures: number): number {
  const { backoff } = options;
  if (backoff === undefined) return 0;
  if (typeof backoff === 'number') return backoff;
  const delay = backoff.delay ?? 0;
  const full = backoff.type === 'exponential' ? delay * 2 ** (failures - 1) : delay;
  return Math.round(Math.min(full, options.puff?.maxDelayMs ?? Number.MAX_SAFE_INTEGER));
}
