import type {
  ClaimedJob,
  NewJob,
  RunOutcome,
  TaskStore,
  WorkOptions,
} from '../../../dist/tasks/store.js';

/** How long a condition may take to come true on a busy machine. */
const LIMIT_MS = 30_000;

/** One engine on a server of its own. */
export interface EngineServer {
  /** A store of its own, as another process would open it. */
  open(): TaskStore;
  /** Kills it with SIGKILL; it stays down until `restart`. */
  kill(): Promise<void>;
  /** Brings it back, with all that it had committed. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Stores and workers of one test, which end with it. */
export class Bench {
  readonly store: TaskStore;
  readonly #server: EngineServer;
  readonly #ends: (() => Promise<unknown>)[] = [];

  constructor(server: EngineServer) {
    this.#server = server;
    this.store = this.another();
  }

  /** A second store, as of another process. */
  another(): TaskStore {
    const store = this.#server.open();
    this.#ends.unshift(() => store.close());
    return store;
  }

  /** Works on the queue of the test, by a function that completes, fails or gives back. */
  work(
    run: (job: ClaimedJob, signal: AbortSignal) => RunOutcome | Promise<RunOutcome>,
    options: Partial<WorkOptions> & { store?: TaskStore } = {},
  ) {
    const { store = this.store, ...more } = options;
    const worker = store.work({
      queues: [this.queue],
      concurrency: 4,
      leaseMs: 5_000,
      limits: new Map(),
      onTrouble: () => {},
      ...more,
      run: async (job, signal) => run(job, signal),
    });
    this.#ends.unshift(() => worker.close({ timeoutMs: 0 }));
    return worker;
  }

  /** No other test has it. */
  readonly queue = `queue-${Math.random().toString(36).slice(2)}`;

  job(job: Partial<NewJob> = {}): NewJob {
    return {
      task: 'test',
      queue: this.queue,
      payload: '{}',
      priority: 0,
      runAt: Date.now(),
      timeoutMs: 0,
      keepResultMs: 600_000,
      maxAttempts: 1,
      backoff: { type: 'fixed', delayMs: 0, maxDelayMs: 0 },
      ...job,
    };
  }

  /** Adds one job and answers its id. */
  async add(job: Partial<NewJob> = {}, store = this.store): Promise<string> {
    const [added] = await store.add([this.job(job)]);
    return (added as { id: string }).id;
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end();
  }
}

export const completed = (result: unknown = null): RunOutcome => ({
  type: 'completed',
  result: JSON.stringify(result),
});

export const failed = (message: string, isFinal = false): RunOutcome => ({
  type: 'failed',
  failure: { name: 'Error', message },
  isFinal,
});

/** Waits until something is so. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  for (const end = Date.now() + LIMIT_MS; !(await condition()); ) {
    if (Date.now() > end) throw new Error(`It did not come to be so: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A promise and what resolves it. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Resolves when a signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
