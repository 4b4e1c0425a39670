// A worker thread: one isolate of a server whose main thread watches over it (workers.ts).
import { parentPort, workerData } from 'node:worker_threads';
import { startIsolate } from './isolate.js';
import type { IsolateOptions } from './isolate-types.js';
import type { EndingSignal } from './shutdown.js';

/** What the main thread tells a worker. */
export type ToWorker =
  /** The process got a signal, which arrives on the main thread only. */
  | { kind: 'signal'; signal: EndingSignal }
  /** Finish the tasks that run and say so. */
  | { kind: 'drainTasks' }
  /** Finish what is there and say so. */
  | { kind: 'drain' }
  /** Say that the event loop turns. */
  | { kind: 'ping' };

/** An error as it crosses between threads, which keep no more of one. */
export interface WorkerFailure {
  message: string;
  stack: string | undefined;
  code: string | undefined;
}

/** What a worker tells the main thread. */
export type FromWorker =
  | { kind: 'ready'; distDir: string }
  /** It cannot start, and another one could not either. */
  | { kind: 'failed'; failure: WorkerFailure }
  | { kind: 'tasksDrained' }
  | { kind: 'drained' }
  | { kind: 'pong' };

const port = parentPort;
if (port === null) throw new Error('worker.js is run by next-puff in a worker thread.');
const tell = (message: FromWorker) => port.postMessage(message);

try {
  const isolate = await startIsolate(workerData as IsolateOptions);
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'ping') tell({ kind: 'pong' });
    else if (message.kind === 'signal') process.emit(message.signal, message.signal);
    else if (message.kind === 'drainTasks') {
      void isolate.drainTasks().finally(() => tell({ kind: 'tasksDrained' }));
    } else void isolate.drain().finally(() => tell({ kind: 'drained' }));
  });
  tell({ kind: 'ready', distDir: isolate.distDir });
} catch (error) {
  const { message = String(error), stack, code } = error as Partial<WorkerFailure>;
  tell({ kind: 'failed', failure: { message, stack, code } });
}
