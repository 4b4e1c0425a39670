import type { Engine } from './engine.js';
import { storedLogLine } from './records.js';

interface Report {
  id: string;
  progress?: string;
  logs: string[];
}

/** Stores what running jobs report, once per turn of the event loop. */
export class Reports {
  readonly #engine: Engine;
  readonly #pending = new Map<string, Map<string, Report>>();
  #sent: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  add(
    queue: string,
    id: string,
    { progress, logs = [] }: { progress?: string; logs?: readonly string[] },
  ): void {
    if (this.#pending.size === 0) setImmediate(() => void this.flush());
    let jobs = this.#pending.get(queue);
    if (jobs === undefined) {
      jobs = new Map();
      this.#pending.set(queue, jobs);
    }
    let report = jobs.get(id);
    if (report === undefined) {
      report = { id, logs: [] };
      jobs.set(id, report);
    }
    if (progress !== undefined) report.progress = progress;
    const now = Date.now();
    for (const line of logs) report.logs.push(storedLogLine(now, line));
  }

  /** Resolves when everything reported so far is stored, or could not be. */
  async flush(): Promise<void> {
    const { layout } = this.#engine;
    for (const [queue, jobs] of this.#pending) {
      const sent = this.#engine
        .script(
          'puffReport',
          [layout.events(queue)],
          [layout.queue(queue), JSON.stringify([...jobs.values()])],
        )
        .catch(() => {});
      this.#sent = Promise.all([this.#sent, sent]);
    }
    this.#pending.clear();
    await this.#sent;
  }
}
