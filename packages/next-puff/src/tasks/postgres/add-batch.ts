import type { AddedJob, NewJob } from '../store.js';

interface Waiting {
  count: number;
  resolve(added: AddedJob[]): void;
  reject(error: unknown): void;
}

/** So many who add in one turn cross in two calls: the native core adds for the ones while the others are answered. */
const DIVIDED = 32;

/** Lets jobs that are added within one turn of the event loop cross together. */
export class AddBatch {
  readonly #send: (json: string) => Promise<AddedJob[]>;
  #jobs: NewJob[] = [];
  #waiting: Waiting[] = [];
  readonly #sent = new Set<Promise<void>>();

  /** @param send adds jobs that are given as JSON, and answers in their order */
  constructor(send: (json: string) => Promise<AddedJob[]>) {
    this.#send = send;
  }

  add(jobs: readonly NewJob[]): Promise<AddedJob[]> {
    return new Promise((resolve, reject) => {
      // When all that runs now has added what it has to add.
      if (this.#waiting.length === 0) process.nextTick(() => this.#flush());
      this.#jobs.push(...jobs);
      this.#waiting.push({ count: jobs.length, resolve, reject });
    });
  }

  /** Resolves when nothing is on its way. */
  async settled(): Promise<void> {
    if (this.#waiting.length > 0) this.#flush();
    await Promise.all(this.#sent);
  }

  #flush(): void {
    const waiting = this.#waiting;
    const jobs = this.#jobs;
    this.#waiting = [];
    this.#jobs = [];
    if (waiting.length === 0) return;
    const half = waiting.length < DIVIDED ? [] : waiting.splice(0, waiting.length >> 1);
    const count = half.reduce((sum, one) => sum + one.count, 0);
    if (half.length > 0) this.#cross(jobs.slice(0, count), half);
    this.#cross(jobs.slice(count), waiting);
  }

  #cross(jobs: readonly NewJob[], waiting: readonly Waiting[]): void {
    const sent = this.#deliver(jobs, waiting).finally(() => this.#sent.delete(sent));
    this.#sent.add(sent);
  }

  async #deliver(jobs: readonly NewJob[], waiting: readonly Waiting[]): Promise<void> {
    try {
      const added = await this.#send(JSON.stringify(jobs));
      let from = 0;
      for (const { count, resolve } of waiting) {
        resolve(added.slice(from, from + count));
        from += count;
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}
