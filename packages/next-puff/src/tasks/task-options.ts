import type { IsolationLevel } from '../context/index.js';
import { PuffError } from '../errors.js';
import { type Cron, parseCron } from './cron.js';
import type { StandardSchema } from './standard-schema.js';
import type { Backoff, TaskLimits } from './store.js';

/** How often a task is tried again, and when. */
export interface BackoffOptions {
  /** Default `exponential`: the wait doubles with each failure. */
  type?: 'fixed' | 'exponential';
  /** Before the first retry. Default 1,000. */
  delayMs?: number;
  /** The longest wait. Default one hour. */
  maxDelayMs?: number;
}

/** A schedule of a task that has several, or that needs a payload. */
export interface CronOptions<Payload = unknown> {
  /** Five or six fields, or `@daily` and the like. */
  cron: string;
  /** Tells the schedules of a task apart. Default: its place in the list. */
  key?: string;
  payload?: Payload;
  /** An IANA name. Default: that of the task. */
  timeZone?: string;
}

/** What of a task's options may be different for one job. */
export interface RunOptions {
  /** A run may take so long, in milliseconds; then its signal aborts and it counts as failed. 0: no bound. */
  timeoutMs?: number;
  /** How long the job's record and result are kept after its end, in milliseconds. Default one hour. */
  keepResultsForMs?: number;
  /** Runs after the first one that may follow failures. Default 3. */
  retries?: number;
  backoff?: BackoffOptions;
  /** Smaller numbers run first. Default 0. */
  priority?: number;
}

/** How a task runs. */
export interface TaskOptions<Payload = unknown> extends RunOptions {
  /** Unique in the app. Default: its file and export, for example `tasks/mail#sendMail`. */
  name?: string;
  /** Default `default`. */
  queue?: string;
  /** Default five minutes. */
  timeoutMs?: number;
  /** Runs at the same time in one worker. */
  concurrency?: number;
  /** Runs that may begin in a time, over all workers. */
  rateLimit?: { max: number; perMs: number };
  /** Runs in one transaction, which is rolled back when the run fails. */
  transaction?: boolean | { isolation?: IsolationLevel };
  /** When it runs by itself. */
  cron?: string | readonly CronOptions<Payload>[];
  /** Of `cron`; an IANA name. Default `UTC`. */
  timeZone?: string;
  /** Makes a payload that was scheduled by an older version one of this version; comes before the schema. */
  migrate?: (payload: unknown) => unknown;
  /** Whether a payload that the schema refuses when the task runs is tried again, as other failures are. */
  retryInvalidPayload?: boolean;
}

/** A schedule, checked. */
export interface TaskSchedule {
  key: string | undefined;
  cron: Cron;
  payload: unknown;
  timeZone: string;
}

/** Options, checked and complete. */
export interface TaskDefinition {
  name: string | undefined;
  queue: string;
  run: Required<Omit<RunOptions, 'backoff'>> & { backoff: Backoff };
  limits: TaskLimits;
  transaction: false | { isolation?: IsolationLevel };
  schedules: readonly TaskSchedule[];
  schema: StandardSchema | undefined;
  migrate: ((payload: unknown) => unknown) | undefined;
  retryInvalidPayload: boolean;
}

const DEFAULT_TIMEOUT_MS = 300_000;
const DEFAULT_KEEP_MS = 3_600_000;
const DEFAULT_RETRIES = 3;
const DEFAULT_BACKOFF: Backoff = { type: 'exponential', delayMs: 1_000, maxDelayMs: 3_600_000 };
/** A timer can wait no longer. */
const MAX_DURATION_MS = 2_147_483_647;
const MAX_PRIORITY = 1_000_000;
// What all stores can have in the names of tables, keys and channels.
const QUEUE_NAME = /^[\w.-]{1,100}$/;
const TASK_NAME = /^[^\s\0][^\0\n\r]{0,199}$/;

/**
 * Checks the options of a task and fills in the defaults.
 *
 * @throws PuffError `PUFF_TASK_OPTIONS` naming the option, `PUFF_TASK_CRON`
 */
export function defineTask(
  options: TaskOptions & { schema?: StandardSchema | undefined },
): TaskDefinition {
  const { name, queue = 'default', concurrency, rateLimit, transaction = false } = options;
  if (name !== undefined && (typeof name !== 'string' || !TASK_NAME.test(name))) {
    throw refuse('name', 'a text of 1 to 200 characters on one line', name);
  }
  checkQueue(queue);
  if (concurrency !== undefined) checkWhole('concurrency', concurrency, 1, 100_000);
  if (rateLimit !== undefined) {
    checkWhole('rateLimit.max', rateLimit.max, 1, 1_000_000_000);
    checkWhole('rateLimit.perMs', rateLimit.perMs, 1, MAX_DURATION_MS);
  }
  return {
    name,
    queue,
    run: runOptionsOf(options, {
      timeoutMs: DEFAULT_TIMEOUT_MS,
      keepResultsForMs: DEFAULT_KEEP_MS,
      retries: DEFAULT_RETRIES,
      priority: 0,
      backoff: DEFAULT_BACKOFF,
    }),
    limits: { concurrency, rateLimit },
    transaction: transaction === true ? {} : transaction,
    schedules: schedulesOf(options),
    schema: options.schema,
    migrate: options.migrate,
    retryInvalidPayload: options.retryInvalidPayload ?? false,
  };
}

/** Options of one job over those of its task. */
export function runOptionsOf(
  options: RunOptions,
  defaults: TaskDefinition['run'],
): TaskDefinition['run'] {
  const { timeoutMs, keepResultsForMs, retries, priority, backoff } = options;
  if (timeoutMs !== undefined) checkWhole('timeoutMs', timeoutMs, 0, MAX_DURATION_MS);
  if (keepResultsForMs !== undefined) {
    checkWhole('keepResultsForMs', keepResultsForMs, 0, Number.MAX_SAFE_INTEGER);
  }
  if (retries !== undefined) checkWhole('retries', retries, 0, 1_000_000);
  if (priority !== undefined) checkWhole('priority', priority, -MAX_PRIORITY, MAX_PRIORITY);
  return {
    timeoutMs: timeoutMs ?? defaults.timeoutMs,
    keepResultsForMs: keepResultsForMs ?? defaults.keepResultsForMs,
    retries: retries ?? defaults.retries,
    priority: priority ?? defaults.priority,
    backoff: backoff === undefined ? defaults.backoff : backoffOf(backoff, defaults.backoff),
  };
}

function backoffOf(options: BackoffOptions, defaults: Backoff): Backoff {
  const { type = defaults.type, delayMs = defaults.delayMs } = options;
  if (type !== 'fixed' && type !== 'exponential') {
    throw refuse('backoff.type', "'fixed' or 'exponential'", type);
  }
  const maxDelayMs = options.maxDelayMs ?? Math.max(defaults.maxDelayMs, delayMs);
  checkWhole('backoff.delayMs', delayMs, 0, MAX_DURATION_MS);
  checkWhole('backoff.maxDelayMs', maxDelayMs, delayMs, MAX_DURATION_MS);
  return { type, delayMs, maxDelayMs };
}

function schedulesOf({ cron, timeZone = 'UTC' }: TaskOptions): TaskSchedule[] {
  if (cron === undefined) return [];
  const listed: readonly CronOptions[] = typeof cron === 'string' ? [{ cron }] : cron;
  const keys = new Set<string | undefined>();
  return listed.map((one, at) => {
    const key = one.key ?? (listed.length > 1 ? String(at + 1) : undefined);
    if (keys.has(key)) {
      throw new PuffError('PUFF_TASK_OPTIONS', `task(): cron has the key ${key} twice.`, {
        operation: 'task',
        hint: 'Give each schedule a key of its own.',
      });
    }
    keys.add(key);
    const zone = one.timeZone ?? timeZone;
    checkTimeZone(zone);
    return { key, cron: parseCron(one.cron), payload: one.payload, timeZone: zone };
  });
}

function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone });
  } catch {
    throw refuse('timeZone', 'an IANA name such as Europe/Berlin', timeZone);
  }
}

/** @throws PuffError `PUFF_TASK_OPTIONS` */
export function checkQueue(queue: unknown): void {
  if (typeof queue !== 'string' || !QUEUE_NAME.test(queue)) {
    throw refuse('queue', 'up to 100 letters, digits, dots, hyphens and underscores', queue);
  }
}

/** @throws PuffError `PUFF_TASK_OPTIONS` */
export function checkWhole(option: string, value: unknown, from: number, to: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to) return;
  throw refuse(option, `a whole number from ${from} to ${to}`, value);
}

/** What is wrong with an option. */
export function refuse(option: string, expected: string, value: unknown): PuffError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return new PuffError('PUFF_TASK_OPTIONS', `${option} must be ${expected}, not ${shown}.`, {
    operation: 'task',
  });
}
