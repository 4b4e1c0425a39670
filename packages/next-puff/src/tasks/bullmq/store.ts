import { PuffError } from '../../errors.js';
import type {
  AddedJob,
  JobFilter,
  JobRecord,
  JobState,
  NewJob,
  QueueCounts,
  StoredSchedule,
  StoreWorker,
  TaskStore,
  WorkOptions,
} from '../store.js';
import { Additions, prepare } from './additions.js';
import type { RedisSettings } from './connection.js';
import { Engine } from './engine.js';
import { Expiry } from './expiry.js';
import { addressOf, type JobAddress, storeId } from './job-id.js';
import { listJobs } from './listing.js';
import { Outbox } from './outbox/outbox.js';
import { OutboxRelay } from './outbox/relay.js';
import { Records } from './records.js';
import { Schedules } from './schedules.js';
import { Waiters } from './waiters.js';
import { BullmqWorker } from './worker.js';

/** Where the jobs are. */
export interface BullmqTaskStoreOptions {
  redis: RedisSettings;
  /** BullMQ's prefix of all keys; `bull` unless told otherwise, as everywhere in BullMQ. */
  prefix?: string;
  /**
   * Whether jobs that are scheduled inside a transaction of the default pool wait in PostgreSQL for its commit; by default
   * where a database is configured.
   */
  outbox?: boolean;
}

/**
 * Keeps tasks in BullMQ's queues on Redis, where other BullMQ programs see them as ordinary jobs: a job's name is the task's,
 * its data the payload.
 */
export function bullmqTaskStore({
  redis,
  prefix = 'bull',
  outbox = Outbox.isPossible(),
}: BullmqTaskStoreOptions): TaskStore {
  return new BullmqTaskStore(new Engine(redis, prefix), outbox ? new Outbox(prefix) : undefined);
}

class BullmqTaskStore implements TaskStore {
  readonly engine = 'bullmq';
  readonly #engine: Engine;
  readonly #records: Records;
  readonly #additions: Additions;
  readonly #waiters: Waiters;
  readonly #expiry: Expiry;
  readonly #schedules: Schedules;
  readonly #outbox: Outbox | undefined;
  #relay: OutboxRelay | undefined;

  constructor(engine: Engine, outbox: Outbox | undefined) {
    this.#engine = engine;
    this.#outbox = outbox;
    this.#records = new Records(engine);
    this.#expiry = new Expiry(engine);
    this.#additions = new Additions(engine, this.#records, this.#expiry);
    this.#waiters = new Waiters(engine, (id) => this.get(id));
    this.#schedules = new Schedules(engine);
  }

  async add(jobs: readonly NewJob[]): Promise<AddedJob[]> {
    const prepared = jobs.map((job) => ({ job, prepared: prepare(job) }));
    if (this.#outbox?.isInTransaction()) {
      await this.#outbox.put(prepared);
      // Whether Redis has one of the same key shows only when it gets there; the id is the same then.
      return prepared.map(({ prepared }) => ({ id: storeId(prepared), isDuplicate: false }));
    }
    return this.#additions.add(prepared.map(({ prepared }) => prepared));
  }

  async get(id: string): Promise<JobRecord | undefined> {
    const job = await this.#records.get(id);
    if (job !== undefined || this.#outbox === undefined) return job;
    // It may be brought to Redis between the two looks.
    return (await this.#outbox.find(id)) ?? this.#records.get(id);
  }

  list(filter: JobFilter): Promise<{ jobs: JobRecord[]; next?: string }> {
    return listJobs(this.#engine, this.#records, filter);
  }

  async counts(): Promise<QueueCounts[]> {
    const { client } = await this.#engine.link();
    const queues = await this.#engine.answered(client.smembers(this.#engine.layout.queues));
    const order = ['delayed', 'waiting', 'running', 'completed', 'failed', 'cancelled'] as const;
    return Promise.all(
      queues.sort().map(async (queue) => {
        const numbers = (await this.#engine.script('puffCount', this.#engine.stateKeys(queue), [
          Date.now(),
        ])) as number[];
        const counts = Object.fromEntries(order.map((state, i) => [state, numbers[i] ?? 0]));
        return { queue, counts: counts as Record<JobState, number> };
      }),
    );
  }

  ended(id: string, signal?: AbortSignal): Promise<JobRecord | undefined> {
    return this.#waiters.ended(id, signal);
  }

  async cancel(id: string): Promise<boolean> {
    const address = addressOf(id);
    if (address === undefined) return false;
    let answer = await this.#cancelInRedis(address);
    if (answer === 0 && this.#outbox !== undefined) {
      if (await this.#outbox.remove(id)) return true;
      // It may have been brought to Redis between the two looks.
      answer = await this.#cancelInRedis(address);
    }
    if (answer === -1) {
      throw new PuffError('PUFF_TASK_CANCEL', `The job ${id} is part of a BullMQ flow.`, {
        operation: 'cancel',
        hint: 'Remove it with BullMQ, which also tells its parent.',
      });
    }
    if (answer === -2) {
      throw new PuffError('PUFF_TASK_CANCEL', `The job ${id} is the next one of a schedule.`, {
        operation: 'cancel',
        hint: 'Remove or change the schedule; a job of it can be cancelled once it runs.',
      });
    }
    return answer === 1;
  }

  #cancelInRedis({ queue, id }: JobAddress): Promise<unknown> {
    const { layout } = this.#engine;
    return this.#engine.script(
      'puffCancel',
      [
        ...this.#engine.stateKeys(queue),
        layout.expiries(queue),
        layout.events(queue),
        `${layout.queue(queue)}stalled`,
        layout.cancellations,
      ],
      [layout.queue(queue), id, Date.now(), queue],
    );
  }

  async retry(id: string): Promise<boolean> {
    const address = addressOf(id);
    const state = (await this.#records.get(id))?.state;
    if (address === undefined || (state !== 'failed' && state !== 'cancelled')) return false;
    const queue = await this.#engine.queue(address.queue);
    const job = await this.#engine.answered(queue.getJob(address.id));
    if (job === undefined) return false;
    await this.#engine.script(
      'puffForgetEnd',
      [
        `${this.#engine.layout.queue(address.queue)}${address.id}`,
        this.#engine.layout.cancelled(address.queue),
      ],
      [address.id],
    );
    try {
      await this.#engine.answered(
        job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true }),
      );
      return true;
    } catch (error) {
      // Somebody else was faster: it is not among the failed ones any more.
      if ((await this.#records.get(id))?.state !== 'failed') return false;
      throw error;
    }
  }

  putSchedules(schedules: readonly StoredSchedule[], deployedAt: number): Promise<void> {
    return this.#schedules.put(schedules, deployedAt);
  }

  schedules(): Promise<(StoredSchedule & { nextAt: number; lastAt?: number })[]> {
    return this.#schedules.all();
  }

  work(options: WorkOptions): StoreWorker {
    if (this.#outbox !== undefined) {
      this.#relay ??= new OutboxRelay(this.#outbox, (jobs) => this.#additions.add(jobs));
    }
    return new BullmqWorker(this.#engine, this.#expiry, options);
  }

  async close(): Promise<void> {
    this.#expiry.close();
    this.#waiters.close();
    await this.#relay?.close();
    await this.#engine.close();
  }
}
