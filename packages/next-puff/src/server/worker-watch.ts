import inspector from 'node:inspector';
import type { Worker } from 'node:worker_threads';
import type { FromWorker, ToWorker } from './worker.js';

/** How many times a worker is asked until its time is up. */
const ASKED = 4;

/**
 * Watches the event loop of a worker until it ends, and calls back once when it has not turned for a time: JavaScript
 * in an endless loop answers nothing any more, and does not end by itself.
 *
 * Time in which this thread stood still as well (the machine slept) does not count, nor does a debugger's.
 */
export function watchEventLoop(worker: Worker, limitMs: number, onStuck: () => void): void {
  let unanswered = 0;
  const timer = setInterval(() => {
    if (inspector.url() !== undefined) return;
    if (unanswered === ASKED) {
      clearInterval(timer);
      onStuck();
      return;
    }
    if (unanswered === 0) worker.postMessage({ kind: 'ping' } satisfies ToWorker);
    unanswered++;
  }, limitMs / ASKED);
  timer.unref();
  worker.on('message', ({ kind }: FromWorker) => {
    if (kind === 'pong') unanswered = 0;
  });
  worker.once('exit', () => clearInterval(timer));
}
