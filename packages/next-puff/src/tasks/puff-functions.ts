import { setTimeout } from 'node:timers/promises';
import { TaskNotFoundError, TaskTimeoutError } from '../errors.js';
import type { Task } from './task.js';
import { TaskHandle } from './task-handle.js';
import { checkWhole } from './task-options.js';

/** As the arguments of Puff's `schedule_function`. */
export interface ScheduleFunctionOptions {
  /** Not before this time; also the order of jobs, the smallest first. Default: now. */
  scheduledTimeUnixMs?: number;
  /** Default 30,000. */
  timeoutMs?: number;
  /** Default five minutes. */
  keepResultsForMs?: number;
}

const TIMEOUT_MS = 30_000;
const KEEP_RESULTS_MS = 300_000;
const MAX_DURATION_MS = 2_147_483_647;

/**
 * Puff's `schedule_function`: schedules a task and resolves with the job's id. A time of 0 is now, as there.
 *
 * Workers are told at once, so that Puff's `trigger` has no counterpart.
 */
export async function scheduleFunction<Payload>(
  task: Task<Payload, unknown>,
  payload: Payload,
  options: ScheduleFunctionOptions = {},
): Promise<string> {
  const {
    scheduledTimeUnixMs,
    timeoutMs = TIMEOUT_MS,
    keepResultsForMs = KEEP_RESULTS_MS,
  } = options;
  const job = {
    timeoutMs,
    keepResultsForMs,
    ...(scheduledTimeUnixMs ? { scheduledTimeUnixMs } : {}),
  };
  const [handle] = await (task as Task<unknown, unknown>).scheduleMany([{ payload, options: job }]);
  return (handle as TaskHandle).id;
}

/**
 * Puff's `wait_for_task_result`: resolves with the result, or with nothing when there is none after `timeoutMs`.
 *
 * The end of a job is told, not polled; `pollIntervalMs` is how often an id is looked up that is not known yet, for example
 * because the transaction that scheduled it is still open.
 *
 * @throws TaskFailedError, TaskCancelledError
 */
export async function waitForTaskResult(
  id: string,
  pollIntervalMs = 100,
  timeoutMs = 10_000,
): Promise<unknown> {
  checkWhole('pollIntervalMs', pollIntervalMs, 0, MAX_DURATION_MS);
  checkWhole('timeoutMs', timeoutMs, 0, MAX_DURATION_MS);
  const end = performance.now() + timeoutMs;
  for (;;) {
    const leftMs = Math.max(0, Math.ceil(end - performance.now()));
    try {
      return await new TaskHandle(id).result({ timeoutMs: leftMs });
    } catch (error) {
      if (error instanceof TaskTimeoutError) return undefined;
      if (!(error instanceof TaskNotFoundError)) throw error;
      if (leftMs === 0) return undefined;
      await setTimeout(Math.min(pollIntervalMs, leftMs));
    }
  }
}
