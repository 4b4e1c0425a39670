import { Worker } from 'node:worker_threads';
import type { RedisSettings } from './connection.js';
import { LockTable } from './lock-table.js';

/** BullMQ's lock of a running job. */
export interface Lock {
  /** What the queue's keys begin with. */
  queue: string;
  /** BullMQ's id of the job. */
  id: string;
  token: string;
}

/** A lock among those of one worker. */
export function keyOf({ queue, id, token }: Lock): string {
  return `${queue}${id} ${token}`;
}

/** Instead of a place: the table had no room, so the thread was told of the lock. */
const TOLD = -1;

/** What the thread is told of locks that have no place in the table. */
export type LeaseCommand = { type: 'hold'; lock: Lock } | { type: 'release'; lock: Lock };

/** What the thread tells: that it has its connection, or which locks are lost. */
export type LeaseNews = 'ready' | Lock[];

/** What the thread is started with. */
export interface LeaseThreadData {
  settings: RedisSettings;
  leaseMs: number;
  /** The memory of the {@link LockTable}. */
  table: SharedArrayBuffer;
}

/**
 * Renews the locks of running jobs on a thread of its own, with a connection of its own: a task that keeps the event loop
 * busy does not lose its job to another worker. BullMQ itself renews locks on the event loop.
 *
 * The thread looks into memory that both share when it is time to renew: a message per job would cost more than most of
 * what else is done for a short one.
 */
export class Leases {
  readonly #thread: Worker;
  readonly #table = new LockTable();
  /** Places of the locks in the table, by {@link keyOf}. */
  readonly #places = new Map<string, number>();
  /** Resolves when the thread has its connection: no job is claimed before. */
  readonly ready: Promise<void>;

  /** `onLost` learns of locks that somebody else has by now, or nobody; also of those of jobs that have just ended. */
  constructor(data: Omit<LeaseThreadData, 'table'>, onLost: (lock: Lock) => void) {
    const workerData: LeaseThreadData = { ...data, table: this.#table.memory };
    this.#thread = new Worker(new URL('./lease-thread.js', import.meta.url), { workerData });
    this.#thread.unref();
    this.ready = new Promise((resolve) => {
      this.#thread.on('message', (news: LeaseNews) => {
        if (news === 'ready') resolve();
        else news.forEach(onLost);
      });
    });
    // Without the thread, locks run out and jobs are run again: that must not stay unseen.
    this.#thread.on('error', (error) => {
      throw error;
    });
  }

  /** Renews a lock from now on, also if the event loop does not turn again for long. */
  hold(lock: Lock): void {
    const place = this.#table.put(lock);
    this.#places.set(keyOf(lock), place ?? TOLD);
    if (place === undefined) this.#tell({ type: 'hold', lock });
  }

  /** Renews a lock no more. */
  release(lock: Lock): void {
    const key = keyOf(lock);
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    if (place === TOLD) this.#tell({ type: 'release', lock });
    else this.#table.free(place);
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }

  #tell(command: LeaseCommand): void {
    this.#thread.postMessage(command);
  }
}
