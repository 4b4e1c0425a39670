import type { JobRecord } from '../store.js';
import type { Engine } from './engine.js';
import { addressOf, storeId } from './job-id.js';
import { StreamReader } from './stream-reader.js';

/** How often jobs that are waited for are looked at, in case an event was missed. */
const POLL_MS = 5_000;
/** How many of them at a time. */
const POLL_BATCH = 500;

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);

interface Waiter {
  resolve: (job: JobRecord | undefined) => void;
}

/**
 * Waits for jobs to end: one connection per queue reads BullMQ's events, which only say when to look at the record. It is
 * also looked at when waiting begins, and now and then: the stream of events is cut to a length, and a reader that falls
 * behind misses some.
 */
export class Waiters {
  readonly #engine: Engine;
  readonly #read: (jobId: string) => Promise<JobRecord | undefined>;
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #readers = new Map<string, StreamReader>();
  #poll: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(engine: Engine, read: (jobId: string) => Promise<JobRecord | undefined>) {
    this.#engine = engine;
    this.#read = read;
  }

  /** The record of a job once it has ended; undefined when there is none. */
  async ended(jobId: string, signal: AbortSignal | undefined): Promise<JobRecord | undefined> {
    signal?.throwIfAborted();
    const address = addressOf(jobId);
    if (address === undefined) return undefined;
    const waiters = this.#waiters.get(jobId) ?? new Set<Waiter>();
    this.#waiters.set(jobId, waiters);
    let waiter: Waiter | undefined;
    let onAbort: (() => void) | undefined;
    const end = new Promise<JobRecord | undefined>((resolve, reject) => {
      waiter = { resolve };
      waiters.add(waiter);
      onAbort = () => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
    this.#schedulePoll();
    void this.#begin(address.queue, jobId);
    try {
      return await end;
    } finally {
      if (onAbort) signal?.removeEventListener('abort', onAbort);
      if (waiter) waiters.delete(waiter);
      if (waiters.size === 0 && this.#waiters.get(jobId) === waiters) this.#waiters.delete(jobId);
    }
  }

  async #begin(queue: string, jobId: string): Promise<void> {
    try {
      await (await this.#reader(queue)).ready;
    } catch {
      // Looking now and then finds it.
    }
    await this.#look(jobId);
  }

  async #reader(queue: string): Promise<StreamReader> {
    const { client } = await this.#engine.link();
    let reader = this.#readers.get(queue);
    if (reader === undefined) {
      reader = new StreamReader(client, this.#engine.layout.events(queue), (fields) => {
        const event = fields.get('event');
        if (event !== 'completed' && event !== 'failed' && event !== 'removed') return;
        const jobId = storeId({ queue, id: fields.get('jobId') ?? '' });
        if (this.#waiters.has(jobId)) void this.#look(jobId);
      });
      this.#readers.set(queue, reader);
    }
    return reader;
  }

  /** Looks at a job, and tells who waits if it has ended. */
  async #look(jobId: string): Promise<void> {
    let job: JobRecord | undefined;
    try {
      job = await this.#read(jobId);
    } catch {
      return;
    }
    if (job !== undefined && !ENDED.has(job.state)) return;
    for (const { resolve } of this.#waiters.get(jobId) ?? []) resolve(job);
  }

  #schedulePoll(): void {
    if (this.#poll !== undefined || this.#isClosed) return;
    this.#poll = setTimeout(async () => {
      const jobIds = [...this.#waiters.keys()];
      for (let start = 0; start < jobIds.length; start += POLL_BATCH) {
        const batch = jobIds.slice(start, start + POLL_BATCH);
        await Promise.all(batch.map((jobId) => this.#look(jobId)));
      }
      this.#poll = undefined;
      if (this.#waiters.size > 0) this.#schedulePoll();
    }, POLL_MS);
    this.#poll.unref();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#poll);
    for (const reader of this.#readers.values()) reader.close();
  }
}
