import { calls } from '../../boundary/calls.js';
import { errorOfThrown } from '../../boundary/failures.js';
import { InternalError } from '../../errors.js';
import { loadNative } from '../../native.js';
import { Database, DEFAULT_POOL, type NamedPoolOptions } from '../../postgres/database.js';
import type {
  AddedJob,
  JobFilter,
  JobRecord,
  NewJob,
  QueueCounts,
  StoredSchedule,
  StoreWorker,
  TaskStore,
  WorkOptions,
} from '../store.js';
import { AddBatch } from './add-batch.js';
import { PostgresWorker } from './postgres-worker.js';
import { PostgresSchedules } from './schedules.js';

type Start = Parameters<ReturnType<typeof calls>['submit']>[0];

/** Where the jobs are. */
export interface PostgresTaskStoreOptions {
  /** A pool in `postgres.pools` of `puff.config.ts`; the default pool otherwise. */
  pool?: string;
  /** The pool's options, instead of those in the configuration. */
  options?: NamedPoolOptions;
}

/**
 * Keeps jobs in the schema `next_puff` of a PostgreSQL database; makes its tables at the first use.
 *
 * It opens connections of its own beside the pool: two that read, two that add, one that listens, and one per
 * worker, or two while it is busy. All isolates of a process share them.
 */
export function postgresTaskStore(options: PostgresTaskStoreOptions = {}): TaskStore {
  return new PostgresTaskStore(options);
}

class PostgresTaskStore implements TaskStore {
  readonly engine = 'postgres';
  readonly #database: Database;
  readonly #batch = new AddBatch((json) =>
    ask((boundary, call) => boundary.tasksAdd(call, this.#store(), 0, json)),
  );
  readonly #schedules: PostgresSchedules;
  #native: number | undefined;

  constructor({ pool = DEFAULT_POOL, options }: PostgresTaskStoreOptions) {
    const databaseOptions = options === undefined ? {} : { options };
    this.#database = new Database(pool, databaseOptions);
    const detached = new Database(pool, { ...databaseOptions, isDetached: true });
    this.#schedules = new PostgresSchedules(detached, {
      prepare: () => this.#ask((boundary, call) => boundary.tasksPrepare(call, this.#store())),
      addIn: (session, jobs) => this.#addIn(session, jobs),
    });
  }

  async add(jobs: readonly NewJob[]): Promise<AddedJob[]> {
    const transaction = await this.#database.current();
    if (transaction === undefined) return this.#batch.add(jobs);
    return transaction.perform(({ session }) => this.#addIn(session, jobs));
  }

  async get(id: string): Promise<JobRecord | undefined> {
    const record = await this.#ask<JobRecord | null>((boundary, call) =>
      boundary.tasksGet(call, this.#store(), id),
    );
    return record ?? undefined;
  }

  list(filter: JobFilter): Promise<{ jobs: JobRecord[]; next?: string }> {
    return this.#ask((boundary, call) =>
      boundary.tasksList(call, this.#store(), JSON.stringify(filter)),
    );
  }

  counts(): Promise<QueueCounts[]> {
    return this.#ask((boundary, call) => boundary.tasksCounts(call, this.#store()));
  }

  async ended(id: string, signal?: AbortSignal): Promise<JobRecord | undefined> {
    const record = await this.#ask<JobRecord | null>(
      (boundary, call) => boundary.tasksEnded(call, this.#store(), id),
      signal,
    );
    return record ?? undefined;
  }

  cancel(id: string): Promise<boolean> {
    return this.#ask((boundary, call) => boundary.tasksCancel(call, this.#store(), id));
  }

  retry(id: string): Promise<boolean> {
    return this.#ask((boundary, call) => boundary.tasksRetry(call, this.#store(), id));
  }

  putSchedules(schedules: readonly StoredSchedule[], deployedAt: number): Promise<void> {
    return this.#schedules.put(schedules, deployedAt);
  }

  schedules(): Promise<(StoredSchedule & { nextAt: number; lastAt?: number })[]> {
    return this.#schedules.list();
  }

  work(options: WorkOptions): StoreWorker {
    return new PostgresWorker(this.#store(), options, this.#schedules);
  }

  async close(): Promise<void> {
    await this.#batch.settled();
    const native = this.#native;
    this.#native = undefined;
    if (native !== undefined) await ask((boundary, call) => boundary.tasksClose(call, native));
  }

  #addIn(session: number, jobs: readonly NewJob[]): Promise<AddedJob[]> {
    const json = JSON.stringify(jobs);
    return ask((boundary, call) => boundary.tasksAdd(call, this.#store(), session, json));
  }

  #ask<T>(start: Start, signal?: AbortSignal): Promise<T> {
    return ask(start, signal);
  }

  #store(): number {
    try {
      this.#native ??= loadNative().tasksStore(this.#database.nativePool());
    } catch (error) {
      throw errorOfThrown(error);
    }
    return this.#native;
  }
}

/** Makes a call and reads the JSON that it is answered with. */
async function ask<T>(start: Start, signal?: AbortSignal): Promise<T> {
  const options = signal === undefined ? {} : { signals: [signal] };
  const completion = await calls().submit(start, options);
  if (completion.kind === 'text') return JSON.parse(completion.text) as T;
  throw new InternalError(`The native core answered with ${completion.kind}.`);
}
