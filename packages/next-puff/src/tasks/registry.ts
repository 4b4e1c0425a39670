import { PuffError } from '../errors.js';
import type { TaskDefinition } from './task-options.js';
import type { TaskRun } from './task-run.js';

/** A task as workers and stores see it. */
export interface RegisteredTask {
  readonly definition: TaskDefinition;
  /** Nothing while the build or an option has not named it. */
  name: string | undefined;
  /** File and export, if the build or the loader of files has told them. */
  origin: string | undefined;
  readonly fn: (payload: never, run: TaskRun) => unknown;
}

/** All tasks of an isolate, by their names. */
interface Registry {
  readonly tasks: Map<string, RegisteredTask>;
  /** Where the task of a name is, once that was told. */
  readonly origins: Map<string, string>;
  /** Changes whenever a task is registered. */
  version: number;
}

// Per isolate, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.tasks');
const globals = globalThis as { [KEY]?: Registry };
globals[KEY] ??= { tasks: new Map(), origins: new Map(), version: 0 };
const registry: Registry = globals[KEY];

/**
 * Makes a task known under its name.
 *
 * A module that is evaluated again, as bundlers and `next dev` do, replaces its tasks.
 *
 * @throws PuffError `PUFF_TASK_NAME_TAKEN` when another task has the name
 */
export function register(task: RegisteredTask): void {
  const { name } = task;
  if (name === undefined) return;
  const clash = clashOf(name, task);
  if (clash !== undefined) {
    throw new PuffError(
      'PUFF_TASK_NAME_TAKEN',
      `Two tasks have the name ${name}: ${clash} and ${whereIs(task)}.`,
      { operation: 'task', hint: 'Give one of them another name: task(fn, { name: ... }).' },
    );
  }
  if (task.origin !== undefined) registry.origins.set(name, task.origin);
  registry.tasks.set(name, task);
  registry.version++;
}

/** Names a task after where it is, unless its options have named it. */
export function nameTask(task: RegisteredTask, origin: string): void {
  // The first name stays: the same task may be exported by several files.
  task.origin ??= origin;
  task.name ??= origin;
  register(task);
}

/** The task of a name. */
export function findTask(name: string): RegisteredTask | undefined {
  return registry.tasks.get(name);
}

/** All tasks that are known. */
export function registeredTasks(): RegisteredTask[] {
  return [...registry.tasks.values()];
}

/** A number that changes whenever a task is registered. */
export function registryVersion(): number {
  return registry.version;
}

/** Lets code that is loaded from now on take the names of what is there. */
export function expectReplacements(): void {
  registry.origins.clear();
}

/** Where the other task is that has the name; nothing if there is none, or the same one is evaluated again. */
function clashOf(name: string, task: RegisteredTask): string | undefined {
  const origin = registry.origins.get(name);
  if (origin !== undefined && task.origin !== undefined) {
    return origin === task.origin ? undefined : origin;
  }
  const present = registry.tasks.get(name);
  // A bundler may write the same function in two ways, but tells its origin next.
  if (present === undefined || present === task || process.env.NEXT_RUNTIME) return undefined;
  return String(present.fn) === String(task.fn) ? undefined : whereIs(present);
}

function whereIs({ origin, fn }: RegisteredTask): string {
  return origin ?? `the function ${fn.name || 'without a name'}`;
}
