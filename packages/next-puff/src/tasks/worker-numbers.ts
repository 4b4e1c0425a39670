import { calls } from '../boundary/calls.js';
import type { QueueCounts, RunOutcome, TaskStore } from './store.js';

/** How soon depths of queues are counted again while somebody reads them. */
const COUNT_MS = 5_000;

/** Counts that a run begins. The native core adds up the runs of all isolates of the process, for its `/metrics`. */
export function countBegin(): void {
  calls().boundary.tasksBeginRun();
}

/** Counts how a run ended. */
export function countEnd(task: string, outcome: RunOutcome['type'], seconds: number): void {
  calls().boundary.tasksEndRun(task, outcome, seconds);
}

/** The numbers of this process in the text format of Prometheus, with what the store says of its queues. */
export function taskMetrics(queues: readonly QueueCounts[]): string {
  const { boundary } = calls();
  boundary.tasksSetQueues(JSON.stringify(queues));
  return boundary.tasksMetrics();
}

/**
 * Counts the jobs of the queues for the server's `/metrics`: now, and every five seconds in which somebody has read them,
 * so that a server that nobody looks at asks nothing of the store.
 */
export function countQueues(store: TaskStore, ending: AbortSignal): void {
  const { boundary } = calls();
  let isCounting = false;
  const count = async () => {
    if (isCounting) return;
    isCounting = true;
    try {
      boundary.tasksSetQueues(JSON.stringify(await store.counts()));
    } catch {
      // The worker tells of its store; the numbers say when they were counted.
    } finally {
      isCounting = false;
    }
  };
  void count();
  const timer = setInterval(() => {
    if (boundary.tasksWereRead()) void count();
  }, COUNT_MS).unref();
  ending.addEventListener('abort', () => clearInterval(timer), { once: true });
}
