import { Worker } from 'node:worker_threads';
import { PuffError } from '../errors.js';
import { say } from '../report.js';
import type { IsolateOptions } from './isolate-types.js';
import type { EndingSignal } from './shutdown.js';
import type { FromWorker, ToWorker, WorkerFailure } from './worker.js';
import { watchEventLoop } from './worker-watch.js';

/** How the workers of a server are made. */
export interface WorkersOptions {
  isolate: IsolateOptions;
  count: number;
  /** Memory that the JavaScript of one worker may hold; Node.js' own limit without it. */
  memoryMb: number | undefined;
  /** How long the event loop of one may stand still before it is replaced; 0 for ever. */
  stuckMs: number;
}

/** Ends of a worker that never was ready, one after the other, until the server gives up. */
const MAX_FAILED_STARTS = 3;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** A worker that ran for so long was healthy: its successor starts at once. */
const HEALTHY_MS = 30_000;

/**
 * The worker threads that run Next.js, while the main thread watches over them: one that ends by itself
 * is replaced. What it was answering is answered with 500 by the native server; the others go on.
 */
export class Workers {
  /** Where Next.js' build is, below the app's folder. */
  readonly distDir: string;
  readonly #places: Place[];

  private constructor(places: Place[], distDir: string) {
    this.#places = places;
    this.distDir = distDir;
  }

  /**
   * Starts the workers and resolves when all are ready.
   *
   * @throws PuffError `PUFF_WORKER_START` when one ends again and again before it is ready; or what
   *   keeps Next.js from starting
   */
  static async start(options: WorkersOptions): Promise<Workers> {
    const places = Array.from({ length: options.count }, (_, at) => new Place(at + 1, options));
    const [distDir = ''] = await Promise.all(places.map((place) => place.firstReady));
    return new Workers(places, distDir);
  }

  /** Tells the listeners of a signal in the workers, which it does not reach by itself. */
  signal(signal: EndingSignal): void {
    for (const place of this.#places) place.tell({ kind: 'signal', signal });
  }

  /** As `drainTasks` of a running isolate, for all of them. */
  async drainTasks(): Promise<void> {
    await Promise.all(this.#places.map((place) => place.drainTasks()));
  }

  /** As `drain` of a running isolate, for all of them. */
  async drain(): Promise<void> {
    await Promise.all(this.#places.map((place) => place.drain()));
  }
}

/** A place that always has a worker, until it is drained. */
class Place {
  /** Resolves when a worker was ready for the first time, with where Next.js' build is. */
  readonly firstReady: Promise<string>;

  readonly #number: number;
  readonly #options: WorkersOptions;
  #worker: Worker | undefined;
  #startedAt = 0;
  #wasEverReady = false;
  /** Ends in quick succession. */
  #ends = 0;
  #isDraining = false;
  /** Why the worker ends, as soon as that is known. */
  #failure: Error | undefined;
  #pause: NodeJS.Timeout | undefined;
  #onDrained = () => {};
  #onTasksDrained = () => {};
  #onReady!: (distDir: string) => void;
  #onFailure!: (error: unknown) => void;

  constructor(number: number, options: WorkersOptions) {
    this.#number = number;
    this.#options = options;
    this.firstReady = new Promise((resolve, reject) => {
      this.#onReady = resolve;
      this.#onFailure = reject;
    });
    this.#start();
  }

  tell(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  /** Lets the worker finish its tasks. */
  async drainTasks(): Promise<void> {
    if (this.#worker === undefined) return;
    await new Promise<void>((resolve) => {
      this.#onTasksDrained = resolve;
      this.tell({ kind: 'drainTasks' });
    });
  }

  /** Lets the worker finish what it has; none comes after it. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    clearTimeout(this.#pause);
    const worker = this.#worker;
    if (worker === undefined) return;
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      this.tell({ kind: 'drain' });
    });
    await worker.terminate();
  }

  #start(): void {
    const { isolate, memoryMb } = this.#options;
    this.#startedAt = performance.now();
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      name: `next-puff ${this.#number}`,
      workerData: isolate,
      ...(memoryMb !== undefined && { resourceLimits: { maxOldGenerationSizeMb: memoryMb } }),
    });
    this.#failure = undefined;
    worker.on('message', (message: FromWorker) => this.#hear(message));
    // Followed by `exit`.
    worker.on('error', (error: Error) => {
      this.#failure ??= error;
    });
    worker.on('exit', (code) => this.#end(code, this.#failure));
    this.#worker = worker;
  }

  #hear(message: FromWorker): void {
    if (message.kind === 'drained') {
      this.#onDrained();
    } else if (message.kind === 'tasksDrained') {
      this.#onTasksDrained();
    } else if (message.kind === 'ready') {
      if (this.#wasEverReady) say(`worker ${this.#number} is ready again`);
      this.#wasEverReady = true;
      this.#watch();
      this.#onReady(message.distDir);
    } else if (message.kind === 'failed' && this.#wasEverReady) {
      // Next.js' files may be changing under it: the next attempt comes like after a crash.
      void this.#worker?.terminate();
    } else if (message.kind === 'failed') {
      this.#isDraining = true;
      this.#onFailure(errorOf(message.failure));
    }
  }

  /** Replaces the worker when its event loop stands still. */
  #watch(): void {
    const { stuckMs } = this.#options;
    const worker = this.#worker;
    if (worker === undefined || stuckMs === 0) return;
    watchEventLoop(worker, stuckMs, () => {
      this.#failure = new Error(`its event loop stood still for ${stuckMs} ms`);
      void worker.terminate();
    });
  }

  #end(code: number, failure: Error | undefined): void {
    this.#worker = undefined;
    this.#onTasksDrained();
    if (this.#isDraining) {
      this.#onDrained();
      return;
    }
    const ranMs = performance.now() - this.#startedAt;
    this.#ends = ranMs >= HEALTHY_MS ? 0 : this.#ends + 1;
    const why = reasonOf(code, failure, this.#options.memoryMb);
    if (!this.#wasEverReady && this.#ends >= MAX_FAILED_STARTS) {
      this.#onFailure(tooManyFailedStarts(this.#number, why, failure));
      return;
    }
    const pauseMs =
      this.#ends === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (this.#ends - 1), LONGEST_PAUSE_MS);
    say(`worker ${this.#number} ended by itself: ${why}; another one starts in ${pauseMs} ms`);
    this.#pause = setTimeout(() => this.#start(), pauseMs);
  }
}

function errorOf({ message, stack, code }: WorkerFailure): Error {
  return Object.assign(new Error(message), { stack, ...(code !== undefined && { code }) });
}

function reasonOf(code: number, failure: Error | undefined, memoryMb: number | undefined): string {
  if (failure === undefined) return `exit code ${code}`;
  if ((failure as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY') {
    const limit = memoryMb === undefined ? '' : ` of ${memoryMb} MB (--worker-memory)`;
    return `it reached the memory limit${limit}`;
  }
  return failure.message;
}

function tooManyFailedStarts(number: number, why: string, cause: Error | undefined): PuffError {
  return new PuffError(
    'PUFF_WORKER_START',
    `Worker ${number} ended ${MAX_FAILED_STARTS} times before it was ready: ${why}.`,
    {
      operation: 'start',
      hint: 'Start without --workers to see what the app prints; look at instrumentation.ts first.',
      ...(cause !== undefined && { cause }),
    },
  );
}
