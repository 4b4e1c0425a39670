import { Worker } from 'node:worker_threads';
import type { RedisSettings } from './connection.js';

/** BullMQ's lock of a running job. */
export interface Lock {
  /** What the queue's keys begin with. */
  queue: string;
  /** BullMQ's id of the job. */
  id: string;
  token: string;
}

/** What the thread is told. */
export type LeaseCommand = { type: 'hold'; lock: Lock } | { type: 'release'; lock: Lock };

/** What the thread tells: that it has its connection, or which locks are lost. */
export type LeaseNews = 'ready' | Lock[];

/** What the thread is started with. */
export interface LeaseThreadData {
  settings: RedisSettings;
  leaseMs: number;
}

/**
 * Renews the locks of running jobs on a thread of its own, with a connection of its own: a task that keeps the event loop
 * busy does not lose its job to another worker. BullMQ itself renews locks on the event loop.
 */
export class Leases {
  readonly #thread: Worker;
  /** Resolves when the thread has its connection: no job is claimed before. */
  readonly ready: Promise<void>;

  /** `onLost` learns of locks that somebody else has by now, or nobody; also of those of jobs that have just ended. */
  constructor(data: LeaseThreadData, onLost: (lock: Lock) => void) {
    this.#thread = new Worker(new URL('./lease-thread.js', import.meta.url), { workerData: data });
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

  /** Renews a lock from now on. */
  hold(lock: Lock): void {
    this.#thread.postMessage({ type: 'hold', lock } satisfies LeaseCommand);
  }

  /** Renews a lock no more. */
  release(lock: Lock): void {
    this.#thread.postMessage({ type: 'release', lock } satisfies LeaseCommand);
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }
}
