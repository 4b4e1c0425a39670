import { PuffError } from '../errors.js';
import { newJob, type ScheduleOptions } from './new-job.js';
import { openStore } from './open-store.js';
import { BRAND } from './puff-task.js';
import { nameTask, type RegisteredTask, register } from './registry.js';
import type { SchemaInput, SchemaOutput, StandardSchema } from './standard-schema.js';
import { TaskHandle } from './task-handle.js';
import { defineTask, type TaskOptions } from './task-options.js';
import type { TaskRun } from './task-run.js';

/** A result as it comes back: JSON knows no `undefined`. */
export type StoredResult<Result> = unknown extends Result
  ? unknown
  : Result extends object | string | number | boolean | null
    ? Result
    : null;

/** The arguments of `schedule`: a task without a payload needs none. */
type ScheduleArguments<Payload> = undefined extends Payload
  ? [payload?: Payload, options?: ScheduleOptions]
  : [payload: Payload, options?: ScheduleOptions];

/** A job of {@link Task.scheduleMany}. */
export type ScheduledPayload<Payload> = { options?: ScheduleOptions } & (undefined extends Payload
  ? { payload?: Payload }
  : { payload: Payload });

/** A function that runs in the background, at least once for each time that it is scheduled. */
export class Task<Payload, Result> {
  readonly #task: RegisteredTask;
  readonly [BRAND] = true;

  /** Made by {@link task}. @internal */
  constructor(registered: RegisteredTask) {
    this.#task = registered;
  }

  /**
   * What jobs call it.
   *
   * @throws PuffError `PUFF_TASK_UNNAMED` where neither an option nor the build has named it
   */
  get name(): string {
    const { name, fn } = this.#task;
    if (name !== undefined) return name;
    throw new PuffError(
      'PUFF_TASK_UNNAMED',
      `The task ${fn.name ? `${fn.name} ` : ''}has no name, so that no worker could find it.`,
      {
        operation: 'schedule',
        hint: 'Export it from a module that the build of withPuff sees or that `tasks.files` of puff.config names, or name it: task(fn, { name: ... }).',
      },
    );
  }

  /**
   * Schedules a run and resolves when that is durable. In a transaction on PostgreSQL the job becomes visible when it
   * commits, and never when it is rolled back.
   *
   * @throws TaskValueError for a payload that is not JSON, TaskPayloadError for one that the schema refuses, PuffError
   *   `PUFF_TASK_OPTIONS`; or what the store's connection says
   */
  async schedule(
    ...[payload, options = {}]: ScheduleArguments<Payload>
  ): Promise<TaskHandle<StoredResult<Result>>> {
    const [handle] = await this.#schedule([{ payload, options }]);
    return handle as TaskHandle<StoredResult<Result>>;
  }

  /** As {@link schedule}, for many at once: all of them or, if one is refused, none. In the order given. */
  scheduleMany(
    jobs: readonly ScheduledPayload<Payload>[],
  ): Promise<TaskHandle<StoredResult<Result>>[]> {
    return this.#schedule(jobs);
  }

  /** Runs the function here and now, without a job: for tests, and for code that shares it. */
  call(payload: Payload, run: TaskRun): Promise<Result> {
    const fn = this.#task.fn as (payload: Payload, run: TaskRun) => Result | Promise<Result>;
    return Promise.resolve(fn(payload, run));
  }

  /** Says where the task is; the build calls it. @internal */
  named(origin: string): void {
    nameTask(this.#task, origin);
  }

  async #schedule(
    given: readonly { payload?: unknown; options?: ScheduleOptions }[],
  ): Promise<TaskHandle<StoredResult<Result>>[]> {
    const { definition } = this.#task;
    const jobs = [];
    for (const { payload, options = {} } of given) {
      jobs.push(await newJob(this.name, definition, payload, options));
    }
    if (jobs.length === 0) return [];
    const added = await (await openStore()).add(jobs);
    return added.map(({ id, isDuplicate }) => new TaskHandle(id, isDuplicate));
  }
}

/**
 * Makes a function a task.
 *
 * `export const sendMail = task(async (payload: { to: string }, { signal }) => { ... })` in a file of `tasks/`;
 * `await sendMail.schedule({ to: '...' })` anywhere on the server. Payload and result must be JSON.
 *
 * @throws PuffError `PUFF_TASK_OPTIONS`, `PUFF_TASK_CRON`, `PUFF_TASK_NAME_TAKEN`
 */
export function task<Schema extends StandardSchema, Result>(
  fn: (payload: SchemaOutput<Schema>, run: TaskRun) => Result,
  options: TaskOptions<SchemaInput<Schema>> & { schema: Schema },
): Task<SchemaInput<Schema>, Awaited<Result>>;
export function task<Payload = undefined, Result = unknown>(
  fn: (payload: Payload, run: TaskRun) => Result,
  options?: TaskOptions<Payload> & { schema?: undefined },
): Task<Payload, Awaited<Result>>;
export function task(
  fn: RegisteredTask['fn'],
  options: TaskOptions & { schema?: StandardSchema | undefined } = {},
): unknown {
  const definition = defineTask(options);
  const registered = { definition, name: definition.name, origin: undefined, fn };
  register(registered);
  return new Task(registered);
}
