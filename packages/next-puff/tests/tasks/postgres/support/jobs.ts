import type {
  ClaimedJob,
  NewJob,
  StoreWorker,
  TaskStore,
  WorkOptions,
} from '../../../../dist/tasks/store.js';

/** A job, changed. */
export function newJob(change: Partial<NewJob> = {}): NewJob {
  return {
    task: 'task',
    queue: 'default',
    payload: 'null',
    priority: 0,
    runAt: Date.now(),
    timeoutMs: 0,
    keepResultMs: 600_000,
    maxAttempts: 3,
    backoff: { type: 'fixed', delayMs: 50, maxDelayMs: 1_000 },
    ...change,
  };
}

/** Begins to work with a function that answers with the result of a job. */
export function work(
  store: TaskStore,
  run: (job: ClaimedJob, signal: AbortSignal) => unknown,
  change: Partial<WorkOptions> = {},
): StoreWorker {
  return store.work({
    queues: ['default'],
    concurrency: 8,
    leaseMs: 3_000,
    limits: new Map(),
    onTrouble: () => {},
    run: async (job, signal) => ({
      type: 'completed',
      result: JSON.stringify((await run(job, signal)) ?? null),
    }),
    ...change,
  });
}
