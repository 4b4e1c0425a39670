import { settings } from '../config/settings.js';
import { say } from '../report.js';
import { CodeGenerations } from './code-generations.js';
import { openStore } from './open-store.js';
import { type RegisteredTask, registeredTasks, registryVersion } from './registry.js';
import { GRACE_MS, runJob } from './run-job.js';
import type { ClaimedJob, RunOutcome, StoreWorker, TaskLimits, TaskStore } from './store.js';
import { storedSchedules } from './stored-schedules.js';
import { taskConcurrency, taskShutdownMs } from './worker-limits.js';
import { countBegin, countEnd } from './worker-numbers.js';

/** How this process works on tasks; what is left out comes from `tasks` of puff.config. */
export interface WorkerOptions {
  /** Default: `default` and the queues of all tasks that are known. */
  queues?: readonly string[] | undefined;
  /** Runs at the same time. Default: four per core. */
  concurrency?: number | undefined;
  /**
   * When this version of the app was built: the schedules of the newest version are those that count. Default: now.
   */
  deployedAt?: Date | number | undefined;
  /** Loads what has changed of the code, before each run: for development. @internal */
  reload?: (() => Promise<void>) | undefined;
}

/** Works on tasks until it is stopped. */
export interface TaskWorker {
  /** Unique among all workers of the store. */
  readonly id: string;
  /** Runs at the moment. */
  readonly running: number;
  readonly queues: readonly string[];
  /** Whether the store can be reached. */
  readonly isReady: boolean;
  /**
   * Takes no more jobs, and resolves when those that run have ended; after `timeoutMs` they are aborted and given back, for
   * another worker to run. Default: `tasks.shutdownMs`.
   */
  stop(options?: { timeoutMs?: number }): Promise<void>;
}

const LEASE_MS = 15_000;
const UNKNOWN_TASK_MS = 86_400_000;
const DEFAULT_QUEUE = 'default';

// Per isolate, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.task-worker');
const globals = globalThis as { [KEY]?: Promise<WorkerOfTasks> | undefined };

/**
 * Begins to work on tasks: those that are known, and those of `tasks.files` in puff.config. An isolate has one worker; a
 * second call answers the first one's.
 *
 * Servers of next-puff and `next-puff worker` call it by themselves.
 *
 * @throws PuffError for files that cannot be loaded; or what the store says
 */
export function startWorker(options: WorkerOptions = {}): Promise<TaskWorker> {
  const present = globals[KEY];
  if (present !== undefined) return present;
  const starting = WorkerOfTasks.start(options);
  globals[KEY] = starting;
  starting.catch(() => {
    globals[KEY] = undefined;
  });
  return starting;
}

/** The worker of this isolate, if it has one. */
export function presentWorker(): Promise<TaskWorker> | undefined {
  return globals[KEY];
}

class WorkerOfTasks implements TaskWorker {
  readonly #generations = new CodeGenerations();
  readonly #store: TaskStore;
  readonly #options: WorkerOptions;
  #queues: readonly string[] = [];
  #worker!: StoreWorker;
  /** What the tasks had for limits and queues when the store's worker was made. */
  #bounds = '';
  #version = -1;
  #trouble: Error | undefined;
  #isStopped = false;
  #refreshing: Promise<void> | undefined;

  private constructor(store: TaskStore, options: WorkerOptions) {
    this.#store = store;
    this.#options = options;
  }

  static async start(options: WorkerOptions): Promise<WorkerOfTasks> {
    if (settings().tasks.files?.length) {
      // It brings a compiler, which most servers do without.
      const { loadTaskFiles } = await import('./load-files.js');
      await loadTaskFiles();
    }
    const worker = new WorkerOfTasks(await openStore(), options);
    await worker.#putSchedules(worker.#deployedAt());
    worker.#work();
    return worker;
  }

  get id(): string {
    return this.#worker.id;
  }

  get running(): number {
    return this.#worker.running;
  }

  get queues(): readonly string[] {
    return this.#queues;
  }

  get isReady(): boolean {
    return !this.#isStopped && this.#trouble === undefined;
  }

  async stop({ timeoutMs }: { timeoutMs?: number } = {}): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    if (globals[KEY] && (await globals[KEY]) === this) globals[KEY] = undefined;
    await this.#worker.close({
      timeoutMs: timeoutMs ?? taskShutdownMs(),
    });
  }

  /** Takes over what has changed in the tasks since: their schedules, queues and limits. @internal */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    if (this.#isStopped || this.#version === registryVersion()) return;
    const tasks = registeredTasks();
    await this.#putSchedules(Date.now());
    if (this.#isStopped || this.#bounds === boundsOf(tasks)) return;
    const former = this.#worker;
    this.#work();
    // Its runs go on; it takes no more.
    void former.close({ timeoutMs: taskShutdownMs() });
  }

  #deployedAt(): number {
    return Number(this.#options.deployedAt ?? Date.now());
  }

  async #putSchedules(deployedAt: number): Promise<void> {
    this.#version = registryVersion();
    await this.#store.putSchedules(storedSchedules(registeredTasks()), deployedAt);
  }

  #work(): void {
    const tasks = registeredTasks();
    const { leaseMs = LEASE_MS, queues } = settings().tasks;
    this.#bounds = boundsOf(tasks);
    this.#queues = this.#options.queues ?? queues ?? queuesOf(tasks);
    this.#worker = this.#store.work({
      queues: this.#queues,
      concurrency: this.#options.concurrency ?? taskConcurrency(),
      leaseMs,
      limits: limitsOf(tasks),
      run: (job, signal) => this.#run(job, signal),
      onTrouble: (error) => this.#tell(error),
    });
  }

  async #run(job: ClaimedJob, signal: AbortSignal): Promise<RunOutcome> {
    const worker = this.#worker;
    const { reload } = this.#options;
    if (reload === undefined) return this.#runHere(job, signal, worker);
    try {
      await this.#generations.enter(reload);
    } catch (error) {
      say(`task ${job.task} waits, its code cannot be loaded: ${(error as Error).message}`);
      return { type: 'returned', delayMs: 1_000 };
    }
    void this.refresh().catch((error) => this.#tell(error as Error));
    return this.#generations.run(() => this.#runHere(job, signal, worker));
  }

  async #runHere(job: ClaimedJob, signal: AbortSignal, worker: StoreWorker): Promise<RunOutcome> {
    const begin = performance.now();
    countBegin();
    const outcome = await runJob(job, signal, {
      report: (id, report) => worker.report(id, report),
      unknownTaskMs: settings().tasks.unknownTaskMs ?? UNKNOWN_TASK_MS,
      graceMs: GRACE_MS,
    });
    countEnd(job.task, outcome.type, (performance.now() - begin) / 1000);
    return outcome;
  }

  #tell(error: Error | undefined): void {
    if (error !== undefined && this.#trouble === undefined) {
      say(`the store of the tasks is in trouble, work goes on when it is back: ${error.message}`);
    } else if (error === undefined && this.#trouble !== undefined) {
      say('the store of the tasks is back');
    }
    this.#trouble = error;
  }
}

/** Takes over changed tasks in the worker of this isolate. @internal */
export async function refreshWorker(): Promise<void> {
  await (await globals[KEY])?.refresh();
}

function queuesOf(tasks: readonly RegisteredTask[]): string[] {
  return [...new Set([DEFAULT_QUEUE, ...tasks.map(({ definition }) => definition.queue)])];
}

function limitsOf(tasks: readonly RegisteredTask[]): Map<string, TaskLimits> {
  const limits = new Map<string, TaskLimits>();
  for (const { name, definition } of tasks) {
    const { concurrency, rateLimit } = definition.limits;
    if (name !== undefined && (concurrency !== undefined || rateLimit !== undefined)) {
      limits.set(name, definition.limits);
    }
  }
  return limits;
}

function boundsOf(tasks: readonly RegisteredTask[]): string {
  return JSON.stringify([queuesOf(tasks).sort(), [...limitsOf(tasks)].sort()]);
}
