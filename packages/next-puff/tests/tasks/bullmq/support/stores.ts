import { bullmqTaskStore } from '../../../../dist/tasks/bullmq/index.js';
import type { NewJob, RunOutcome, TaskStore, WorkOptions } from '../../../../dist/tasks/store.js';
import { RedisServer } from '../../../redis/support/redis-server.ts';

/** How long a condition may take to come true on a busy machine. */
const LIMIT_MS = 60_000;

/** A Redis of a test's own and stores on it, all ended together. */
export class Redis {
  readonly server: RedisServer;
  readonly #ends: (() => Promise<unknown>)[] = [];

  private constructor(server: RedisServer) {
    this.server = server;
  }

  static async start(): Promise<Redis> {
    return new Redis(await RedisServer.start({ settings: { appendonly: 'yes' } }));
  }

  store(): TaskStore {
    const store = bullmqTaskStore({ redis: { url: this.server.url } });
    this.#ends.unshift(() => store.close());
    return store;
  }

  /** A worker on the queue `default` that runs jobs by a function. */
  work(store: TaskStore, run: WorkOptions['run'], options: Partial<WorkOptions> = {}) {
    const worker = store.work({
      queues: ['default'],
      concurrency: 4,
      leaseMs: 2_000,
      limits: new Map(),
      onTrouble: () => {},
      ...options,
      run,
    });
    this.#ends.unshift(() => worker.close({ timeoutMs: 0 }));
    return worker;
  }

  /** Ends something else before the server. */
  atEnd(end: () => Promise<unknown>): void {
    this.#ends.unshift(end);
  }

  async end(): Promise<void> {
    this.server.thaw();
    for (const end of this.#ends.splice(0)) await end();
    await this.server.stop();
  }
}

/** A job of the task `test` that may run now. */
export function newJob(job: Partial<NewJob> = {}): NewJob {
  return {
    task: 'test',
    queue: 'default',
    payload: '{}',
    priority: 0,
    runAt: Date.now(),
    timeoutMs: 0,
    keepResultMs: 60_000,
    maxAttempts: 1,
    backoff: { type: 'fixed', delayMs: 0, maxDelayMs: 60_000 },
    ...job,
  };
}

export const completed = (result: unknown): RunOutcome => ({
  type: 'completed',
  result: JSON.stringify(result),
});

export const failed = (message: string): RunOutcome => ({
  type: 'failed',
  failure: { name: 'RangeError', message, code: 'E_TEST' },
});

/** Adds one job and answers its id. */
export async function add(store: TaskStore, job: Partial<NewJob> = {}): Promise<string> {
  const [added] = await store.add([newJob(job)]);
  if (added === undefined) throw new Error('Nothing was added.');
  return added.id;
}

/** Waits until something holds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`Not within ${LIMIT_MS / 1_000} s: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
