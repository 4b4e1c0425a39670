import { currentClient } from '../context/client-connection.cjs';
import { currentContext } from '../context/index.js';
import { PuffError, TaskPayloadError, TaskValueError } from '../errors.js';
import { jsonTextOf } from './json-text.js';
import { describeIssues } from './standard-schema.js';
import type { NewJob } from './store.js';
import {
  checkWhole,
  type RunOptions,
  refuse,
  runOptionsOf,
  type TaskDefinition,
} from './task-options.js';
import { currentTask } from './task-run.js';

/** How one job is scheduled; what is left out is as the task says. `at`, `delayMs` and `scheduledTimeUnixMs` exclude each other. */
export interface ScheduleOptions extends RunOptions {
  /** Not before this time, by the clock of the store. */
  at?: Date | number;
  /** Not before so many milliseconds after it is stored: the clock of this machine has no part in it. */
  delayMs?: number;
  /** Puff's name for `at`: among jobs of one priority the one with the smallest time runs first, also if all are past. */
  scheduledTimeUnixMs?: number;
  /** While a job of this task with this key is kept, the same job is answered and no other one added. */
  idempotencyKey?: string;
}

/** The latest time that a Date can hold. */
const MAX_TIME = 8_640_000_000_000_000;
const MAX_KEY_LENGTH = 500;

/** Checks a payload and options, and makes a job of them. */
export async function newJob(
  name: string,
  definition: TaskDefinition,
  payload: unknown,
  options: ScheduleOptions,
): Promise<NewJob> {
  const { idempotencyKey } = options;
  if (idempotencyKey !== undefined) checkKey(idempotencyKey);
  const { timeoutMs, keepResultsForMs, retries, backoff, priority } = runOptionsOf(
    options,
    definition.run,
  );
  const text = payloadTextOf(payload);
  await validate(name, definition, payload);
  return {
    task: name,
    queue: definition.queue,
    payload: text,
    priority,
    ...dueOf(options),
    timeoutMs,
    keepResultMs: keepResultsForMs,
    maxAttempts: retries + 1,
    backoff,
    idempotencyKey,
    parentId: currentTask()?.job.id,
    trace: currentTrace(),
  };
}

/** The trace of the request or task that the calling code belongs to; of a GraphQL route that answers without a handler, too. */
function currentTrace(): string | undefined {
  const context = currentContext();
  return context === undefined ? currentClient()?.trace : context.trace;
}

/** The JSON text of a payload; `null` is that of none. */
export function payloadTextOf(payload: unknown): string {
  if (payload === undefined) return 'null';
  if (payload === null) {
    throw new TaskValueError('payload: null stands for no payload at all.', 'payload', {
      operation: 'schedule',
      hint: 'Leave it out, or put it into an object.',
    });
  }
  return jsonTextOf(payload, 'payload');
}

/** What is scheduled is what was given: the schema's own result is made anew when the task runs. */
async function validate(name: string, { schema }: TaskDefinition, payload: unknown): Promise<void> {
  if (schema === undefined) return;
  const validated = await schema['~standard'].validate(payload);
  if (validated.issues === undefined) return;
  throw new TaskPayloadError(
    `The payload does not fit the schema of ${name}:\n${describeIssues(validated.issues, 'payload')}`,
    { operation: 'schedule' },
  );
}

/** When a job is due: at a time, or after a delay that the store counts. */
function dueOf({ at, delayMs, scheduledTimeUnixMs }: ScheduleOptions): {
  runAt: number;
  delayMs?: number;
} {
  const given = Object.entries({ at, delayMs, scheduledTimeUnixMs }).filter(
    ([, value]) => value !== undefined,
  );
  if (given.length > 1) {
    const names = given.map(([name]) => name).join(' and ');
    throw new PuffError('PUFF_TASK_OPTIONS', `schedule(): ${names} exclude each other.`, {
      operation: 'schedule',
      hint: 'Give one of them.',
    });
  }
  if (delayMs !== undefined) {
    checkWhole('delayMs', delayMs, 0, MAX_TIME - Date.now());
    return { runAt: Date.now() + delayMs, delayMs };
  }
  const time = at instanceof Date ? at.getTime() : (at ?? scheduledTimeUnixMs);
  if (time === undefined) return { runAt: Date.now(), delayMs: 0 };
  if (Number.isNaN(time)) throw refuse('at', 'a valid date', at);
  checkWhole(at === undefined ? 'scheduledTimeUnixMs' : 'at', time, 0, MAX_TIME);
  return { runAt: time };
}

function checkKey(key: unknown): void {
  if (
    typeof key === 'string' &&
    key !== '' &&
    key.length <= MAX_KEY_LENGTH &&
    !key.includes('\0')
  ) {
    return;
  }
  throw refuse('idempotencyKey', `a text of 1 to ${MAX_KEY_LENGTH} characters`, key);
}
