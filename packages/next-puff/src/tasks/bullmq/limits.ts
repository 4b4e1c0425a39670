import type { TaskLimits } from '../store.js';
import type { Engine } from './engine.js';

/** When a job that finds no place comes back. */
const RETURN_MS = 1_000;

/** May run, or comes back at a time. */
export type Admission = { runs: true; leave: () => void } | { runs: false; at: number };

/**
 * Bounds for single tasks. BullMQ has them for whole queues only, so a worker that has got a job that may not run yet keeps
 * it until it may (at its concurrency), or gives it back until the time that Redis says (at its rate).
 */
export class Limits {
  readonly #engine: Engine;
  readonly #limits: ReadonlyMap<string, TaskLimits>;
  readonly #maxParked: number;
  readonly #running = new Map<string, number>();
  readonly #parked = new Map<string, ((mayGoOn: boolean) => void)[]>();
  readonly #onParked: () => void;
  #parkedCount = 0;
  #isClosed = false;

  constructor(
    engine: Engine,
    limits: ReadonlyMap<string, TaskLimits>,
    maxParked: number,
    onParked: () => void,
  ) {
    this.#engine = engine;
    this.#limits = limits;
    this.#maxParked = maxParked;
    this.#onParked = onParked;
  }

  /** Jobs that are kept until their task may run once more. */
  get parked(): number {
    return this.#parkedCount;
  }

  async admit(task: string): Promise<Admission> {
    const limits = this.#limits.get(task);
    if (limits === undefined) return { runs: true, leave: () => {} };
    const { concurrency, rateLimit } = limits;
    if (concurrency !== undefined && !(await this.#enter(task, concurrency))) {
      return { runs: false, at: Date.now() + RETURN_MS };
    }
    const leave = () => {
      if (concurrency !== undefined) this.#leave(task);
    };
    if (rateLimit !== undefined) {
      try {
        const at = await this.#mayBegin(task, rateLimit);
        if (at === undefined) return { runs: true, leave };
        leave();
        return { runs: false, at };
      } catch (error) {
        leave();
        throw error;
      }
    }
    return { runs: true, leave };
  }

  async #enter(task: string, concurrency: number): Promise<boolean> {
    const running = this.#running.get(task) ?? 0;
    if (running < concurrency) {
      this.#running.set(task, running + 1);
      return true;
    }
    if (this.#isClosed || this.#parkedCount >= this.#maxParked) return false;
    this.#parkedCount++;
    this.#onParked();
    const mayGoOn = await new Promise<boolean>((resolve) => {
      const parked = this.#parked.get(task);
      if (parked) parked.push(resolve);
      else this.#parked.set(task, [resolve]);
    });
    this.#parkedCount--;
    this.#onParked();
    return mayGoOn;
  }

  /** Gives the place to the next one that waits for it. */
  #leave(task: string): void {
    const next = this.#parked.get(task)?.shift();
    if (next) next(true);
    else this.#running.set(task, (this.#running.get(task) ?? 1) - 1);
  }

  async #mayBegin(
    task: string,
    { max, perMs }: { max: number; perMs: number },
  ): Promise<number | undefined> {
    const key = this.#engine.layout.rate(task);
    const at = (await this.#engine.script(
      'puffRate',
      [key, `${key}:promised`],
      [Date.now(), max, perMs],
    )) as number;
    return at === 0 ? undefined : at;
  }

  /** Keeps nothing any more; what was kept comes back. */
  close(): void {
    this.#isClosed = true;
    for (const parked of this.#parked.values()) for (const resolve of parked) resolve(false);
    this.#parked.clear();
  }
}
