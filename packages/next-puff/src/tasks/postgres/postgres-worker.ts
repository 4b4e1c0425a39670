import { calls } from '../../boundary/calls.js';
import { errorOfFailure, errorOfThrown } from '../../boundary/failures.js';
import { onMessage, Topic } from '../../boundary/messages.js';
import { PuffError } from '../../errors.js';
import { failureOf } from '../job-failure.js';
import type { ClaimedJob, RunOutcome, StoreWorker, WorkOptions } from '../store.js';
import type { PostgresSchedules } from './schedules.js';

/** A run's end as `tasks.rs` reads it: job, start, kind, text, number. */
type Ended = [id: string, start: number, kind: number, text: string, number: number];

const COMPLETED = 0;
const FAILED = 1;
const RETURNED = 2;

/** By the numbers that the native core gives. */
const ABORTS = [
  ['PUFF_TASK_CANCELLED', 'The job was cancelled.'],
  ['PUFF_TASK_LEASE_LOST', 'The worker lost its lease, and another one may have the job.'],
  ['PUFF_TASK_TIMEOUT', 'The run took longer than its timeout.'],
  ['PUFF_TASK_WORKER_CLOSED', 'The worker closes, and the job was given back.'],
] as const;

// One table per isolate, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.task-workers');
const globals = globalThis as {
  [KEY]?: { open: Map<number, PostgresWorker>; lastNumber: number };
};

function workers(): { open: Map<number, PostgresWorker>; lastNumber: number } {
  if (globals[KEY] === undefined) {
    const open = new Map<number, PostgresWorker>();
    globals[KEY] = { open, lastNumber: 0 };
    onMessage(Topic.taskJobs, (number, _first, _second, [json]) => {
      open.get(number)?.begin(json as string);
    });
    onMessage(Topic.taskAbort, (number, reason, _second, [json]) => {
      open.get(number)?.abort(json as string, reason);
    });
    onMessage(Topic.taskTrouble, (number, _first, _second, [json]) => {
      open.get(number)?.trouble(json as string | undefined);
    });
  }
  return globals[KEY];
}

/** Runs what the native worker claims, and tells it of all ends of one turn in one call. */
export class PostgresWorker implements StoreWorker {
  readonly id: string;
  readonly #number: number;
  readonly #options: WorkOptions;
  readonly #schedules: PostgresSchedules;
  readonly #runs = new Map<string, AbortController>();
  #ended: Ended[] = [];
  #closing: Promise<void> | undefined;

  constructor(store: number, options: WorkOptions, schedules: PostgresSchedules) {
    this.#options = options;
    this.#schedules = schedules;
    const all = workers();
    this.#number = ++all.lastNumber;
    const { queues, concurrency, leaseMs, limits } = options;
    const json = JSON.stringify({
      queues,
      concurrency,
      leaseMs,
      limits: Object.fromEntries(limits),
    });
    all.open.set(this.#number, this);
    try {
      this.id = calls().boundary.tasksWork(store, this.#number, json);
    } catch (error) {
      all.open.delete(this.#number);
      throw errorOfThrown(error);
    }
    schedules.watch(this);
    calls().hold();
  }

  get running(): number {
    return this.#runs.size;
  }

  report(jobId: string, report: { progress?: string; logs?: readonly string[] }): void {
    calls().boundary.tasksReport(this.#number, jobId, JSON.stringify(report));
  }

  close({ timeoutMs }: { timeoutMs: number }): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  /** Runs jobs, given as JSON. */
  begin(json: string): void {
    for (const job of JSON.parse(json) as ClaimedJob[]) void this.#run(job);
  }

  /** Aborts runs, given as JSON. */
  abort(json: string, reason: number): void {
    const [code, message] = ABORTS[reason] ?? ABORTS[0];
    for (const id of JSON.parse(json) as string[]) {
      this.#runs.get(id)?.abort(new PuffError(code, message, { operation: 'task' }));
    }
  }

  /** Tells of a failure, given as JSON, or that it is over. */
  trouble(json: string | undefined): void {
    const error = json === undefined ? undefined : errorOfFailure(JSON.parse(json));
    this.#options.onTrouble(error);
  }

  async #run(job: ClaimedJob): Promise<void> {
    const controller = new AbortController();
    this.#runs.set(job.id, controller);
    const outcome = await this.#options.run(job, controller.signal);
    if (this.#runs.get(job.id) === controller) this.#runs.delete(job.id);
    if (this.#ended.length === 0) process.nextTick(() => this.#settle());
    this.#ended.push([job.id, job.start, ...wordsOf(outcome)]);
  }

  /** Hands over what has ended, and begins what comes back. */
  #settle(): void {
    const ended = this.#ended;
    this.#ended = [];
    const next = calls().boundary.tasksSettle(this.#number, JSON.stringify(ended));
    if (next) this.begin(next);
  }

  async #close(timeoutMs: number): Promise<void> {
    const unwatched = this.#schedules.unwatch(this);
    await calls().submit((boundary, call) =>
      boundary.tasksCloseWorker(call, this.#number, timeoutMs),
    );
    await unwatched;
    workers().open.delete(this.#number);
    calls().unhold();
  }
}

function wordsOf(outcome: RunOutcome): [kind: number, text: string, number: number] {
  switch (outcome.type) {
    case 'completed':
      // All ends of a turn cross together: one that cannot cross would take the others with it.
      if (typeof outcome.result !== 'string') return wordsOf(withoutText(outcome.result));
      return [COMPLETED, outcome.result, 0];
    case 'failed':
      return [FAILED, JSON.stringify(outcome.failure), outcome.isFinal ? 1 : 0];
    case 'returned':
      return [RETURNED, '', outcome.delayMs];
  }
}

function withoutText(result: unknown): RunOutcome {
  const error = new PuffError(
    'PUFF_TASK_RESULT',
    `A run's result must be JSON as text, and is ${result === null ? 'null' : `of type ${typeof result}`}.`,
    {
      operation: 'task',
      hint: "Answer with JSON.stringify() of a value that JSON has; 'null' for none.",
    },
  );
  return { type: 'failed', failure: failureOf(error) };
}
