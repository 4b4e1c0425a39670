import type { PuffSettings } from '../config/puff-config.cjs';
import { settings } from '../config/settings.js';
import { PuffError } from '../errors.js';
import { configuredRedis } from '../redis/configuration.js';
import type { TaskStore } from './store.js';

// Per isolate, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.task-store');
const globals = globalThis as { [KEY]?: Promise<TaskStore> };

/** The engine that the configuration asks for: BullMQ where there is a Redis, PostgreSQL otherwise. */
export function chosenEngine(
  given: Pick<PuffSettings, 'tasks' | 'redis'> = settings(),
): TaskStore['engine'] {
  return given.tasks.engine ?? (configuredRedis(given) ? 'bullmq' : 'postgres');
}

/**
 * The store that this isolate schedules into and works from; opened when it is needed first.
 *
 * @throws what keeps the store from opening; the next call tries again
 */
export function openStore(): Promise<TaskStore> {
  const opening = globals[KEY] ?? open();
  globals[KEY] = opening;
  opening.catch(() => {
    if (globals[KEY] === opening) delete globals[KEY];
  });
  return opening;
}

/** Schedules into another store from now on, for tests and programs that open their own. */
export function useTaskStore(store: TaskStore): void {
  globals[KEY] = Promise.resolve(store);
}

/** Closes the store, if it is open. Workers are stopped before. */
export async function closeTaskStore(): Promise<void> {
  const opened = globals[KEY];
  delete globals[KEY];
  await (await opened?.catch(() => undefined))?.close();
}

async function open(): Promise<TaskStore> {
  const engine = chosenEngine();
  if (engine === 'bullmq') return openBullmq();
  const { postgresTaskStore } = await import('./postgres/index.js');
  return postgresTaskStore();
}

async function openBullmq(): Promise<TaskStore> {
  const redis = configuredRedis();
  if (redis === undefined) {
    throw new PuffError('PUFF_TASK_ENGINE', 'The engine bullmq needs a Redis.', {
      operation: 'open',
      hint: 'Set REDIS_URL, or redis in puff.config.ts; or take tasks.engine out of puff.config.ts to keep tasks in PostgreSQL.',
    });
  }
  if (redis.sentinels || redis.url?.startsWith('redis+sentinel:')) {
    throw new PuffError('PUFF_TASK_ENGINE', 'Tasks cannot be kept in a Redis behind sentinels.', {
      operation: 'open',
      hint: "Set tasks.engine to 'postgres' in puff.config.ts, or name the master in REDIS_URL.",
    });
  }
  const { prefix } = settings().tasks;
  const { bullmqTaskStore } = await import('./bullmq/index.js');
  return bullmqTaskStore({ redis, ...(prefix !== undefined && { prefix }) });
}
