import type { Engine } from './engine.js';

/** How often records are looked for whose time is over. */
const SWEEP_MS = 1_000;
/** How many of them go in one step: Redis does nothing else meanwhile. */
const BATCH = 500;

/**
 * Removes the records of jobs when their time is over. BullMQ keeps so many records, or all of an age, per queue; here each
 * job says for itself. The times stand in a sorted set: a job is noted before it is added, at the earliest time at which its
 * record could go, and with the exact time when it ends; whatever the set says, the sweep looks at the record.
 */
export class Expiry {
  readonly #engine: Engine;
  readonly #noted = new Map<string, [id: string, at: number][]>();
  readonly #swept = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Notes when the record of a job goes that is about to end. */
  note(queue: string, id: string, at: number): void {
    if (this.#noted.size === 0) setImmediate(() => this.#flush());
    const noted = this.#noted.get(queue);
    if (noted) noted.push([id, at]);
    else this.#noted.set(queue, [[id, at]]);
  }

  #flush(): void {
    const all = [...this.#noted];
    this.#noted.clear();
    const { layout } = this.#engine;
    for (const [queue, expiries] of all) {
      const batch = JSON.stringify({ queue, expiries, children: [] });
      // If it is lost, the time that was noted when the job was added still stands.
      this.#engine
        .script('puffRegister', [layout.queues, layout.expiries(queue)], [batch])
        .catch(() => {});
    }
  }

  /** Sweeps these queues from now on. */
  start(queues: readonly string[]): void {
    for (const queue of queues) this.#swept.add(queue);
    this.#timer ??= this.#schedule();
  }

  #schedule(): NodeJS.Timeout {
    return setTimeout(async () => {
      for (const queue of this.#swept) await this.sweep(queue).catch(() => {});
      if (this.#timer !== undefined) this.#timer = this.#schedule();
    }, SWEEP_MS).unref();
  }

  /** Removes what is over by now. */
  async sweep(queue: string): Promise<void> {
    const { layout } = this.#engine;
    const [completed, failed, , , , cancelled] = this.#engine.stateKeys(queue);
    for (let swept = BATCH; swept === BATCH; ) {
      swept = (await this.#engine.script(
        'puffExpire',
        [layout.expiries(queue), completed, failed, cancelled, layout.events(queue)],
        [layout.queue(queue), Date.now(), BATCH],
      )) as number;
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
