import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Job, Worker } from 'bullmq';
import { PuffError } from '../../errors.js';
import type { ClaimedJob, JobFailure, RunOutcome, StoreWorker, WorkOptions } from '../store.js';
import type { Engine } from './engine.js';
import type { Expiry } from './expiry.js';
import { addressOf, storeId } from './job-id.js';
import { retryDelay, type StoredOptions } from './job-options.js';
import { Leases, type Lock } from './leases.js';
import { type Admission, Limits } from './limits.js';
import { FAILURE_FIELD } from './records.js';
import { Reports } from './reports.js';
import { StreamReader } from './stream-reader.js';

/** Runs that a worker's death does not count against: BullMQ fails a job after so many. */
const MAX_STALLED = 2 ** 31 - 1;
/** How long a worker without jobs sleeps in Redis, seconds. */
const DRAIN_DELAY_S = 5;
/** Pause before a command is tried again that the connection has lost. */
const RETRY_MS = 500;

/** How long Redis has to take back the jobs of a worker that is closed by force. */
const FORCED_CLOSE_MS = 5_000;

/** A job that this worker has. */
interface Run {
  queue: string;
  lock: Lock;
  controller: AbortController;
  /** Ends the waiting for the run, when it is given back by force. */
  giveUp: () => void;
  /** Whose it is no more: its outcome is not stored. */
  isGone: boolean;
}

/** Runs BullMQ's workers, one per queue, for the queues of a worker. */
export class BullmqWorker implements StoreWorker {
  readonly id = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  readonly #engine: Engine;
  readonly #expiry: Expiry;
  readonly #options: WorkOptions;
  readonly #reports: Reports;
  readonly #limits: Limits;
  readonly #leases: Leases;
  readonly #runs = new Map<string, Run>();
  readonly #workers = new Map<string, Worker>();
  readonly #started: Promise<void>;
  #cancellations: StreamReader | undefined;
  /** Runs that count for the concurrency. */
  #busy = 0;
  readonly #waitingForSlot: (() => void)[] = [];
  #isTroubled = false;
  #closing: Promise<void> | undefined;
  #isClosing = false;

  constructor(engine: Engine, expiry: Expiry, options: WorkOptions) {
    this.#engine = engine;
    this.#expiry = expiry;
    this.#options = options;
    this.#reports = new Reports(engine);
    this.#limits = new Limits(engine, options.limits, options.concurrency, () => this.#balance());
    this.#leases = new Leases({ settings: engine.settings, leaseMs: options.leaseMs }, (lock) =>
      this.#lose(lock, 'PUFF_TASK_LEASE_LOST', 'Another worker has taken over the job.'),
    );
    this.#started = this.#start().catch((error: unknown) => this.#trouble(error));
  }

  get running(): number {
    return this.#busy;
  }

  async #start(): Promise<void> {
    const { bullmq, client } = await this.#engine.link();
    const { layout } = this.#engine;
    const { queues, concurrency, leaseMs } = this.#options;
    this.#cancellations = new StreamReader(client, layout.cancellations, (entry) => {
      const run = this.#runs.get(
        storeId({ queue: entry.get('queue') ?? '', id: entry.get('jobId') ?? '' }),
      );
      if (run) this.#lose(run.lock, 'PUFF_TASK_CANCELLED', 'The job was cancelled.');
    });
    await Promise.all([this.#cancellations.ready, this.#leases.ready]);
    for (const queue of queues) {
      if (this.#isClosing) return;
      await this.#engine.script(
        'puffRegister',
        [layout.queues, layout.expiries(queue)],
        [JSON.stringify({ queue, expiries: [], children: [] })],
      );
      const worker = new bullmq.Worker(
        queue,
        (job: Job, token?: string) => this.#process(queue, job, token ?? ''),
        {
          connection: client,
          prefix: layout.prefix,
          name: this.id,
          concurrency,
          lockDuration: leaseMs,
          skipLockRenewal: true,
          maxStalledCount: MAX_STALLED,
          stalledInterval: Math.max(250, Math.round(leaseMs / 4)),
          drainDelay: DRAIN_DELAY_S,
          runRetryDelay: RETRY_MS,
        },
      );
      worker.on('error', (error) => this.#trouble(error));
      worker.on('active', () => this.#recovered());
      worker.on('drained', () => this.#recovered());
      worker.on('completed', (job) => this.#ended(queue, job));
      worker.on('failed', (job) => job && this.#ended(queue, job));
      this.#workers.set(queue, worker);
    }
    client.on('close', () => this.#trouble(new Error('The connection to Redis is lost.')));
    client.on('ready', () => this.#recovered());
    this.#expiry.start(queues);
  }

  /** Runs a job for BullMQ: what it returns or throws is how the job ends. */
  async #process(queue: string, job: Job, token: string): Promise<unknown> {
    const { bullmq } = await this.#engine.link();
    const address = { queue, id: job.id ?? '' };
    const lock = { queue: this.#engine.layout.queue(queue), id: address.id, token };
    let giveUp = () => {};
    const givenUp = new Promise<undefined>((resolve) => {
      giveUp = () => resolve(undefined);
    });
    const run: Run = { queue, lock, controller: new AbortController(), giveUp, isGone: false };
    const id = storeId(address);
    this.#runs.set(id, run);
    this.#leases.hold(lock);
    let admission: Admission | undefined;
    let hasSlot = false;
    try {
      admission = await this.#limits.admit(job.name);
      if (admission.runs) {
        await this.#takeSlot();
        hasSlot = true;
      }
      if (!admission.runs || (this.#isClosing && !run.isGone)) {
        await this.#engine.script('puffUncount', [`${lock.queue}${lock.id}`], []);
        return await this.#giveBack(
          job,
          token,
          run,
          admission.runs ? 0 : admission.at - Date.now(),
        );
      }
      this.#noteSchedule(job);
      const outcome = await Promise.race([
        this.#options.run(claimed(queue, job), run.controller.signal),
        givenUp,
      ]);
      await this.#reports.flush();
      if (outcome === undefined || run.isGone) throw new bullmq.DelayedError();
      return await this.#end(job, token, run, outcome);
    } finally {
      this.#runs.delete(id);
      if (admission?.runs) admission.leave();
      if (hasSlot) this.#freeSlot();
    }
  }

  /** BullMQ has stored how a run ended: until then its lock is renewed. */
  #ended(queue: string, { id = '', token = '' }: Job): void {
    this.#leases.release({ queue: this.#engine.layout.queue(queue), id, token });
  }

  async #end(job: Job, token: string, run: Run, outcome: RunOutcome): Promise<unknown> {
    const options = job.opts as StoredOptions;
    const note = () => {
      const keep = options.puff?.keepResultMs;
      if (keep !== undefined) this.#expiry.note(run.queue, run.lock.id, Date.now() + keep);
    };
    switch (outcome.type) {
      case 'completed':
        note();
        return JSON.parse(outcome.result);
      case 'returned':
        return this.#giveBack(job, token, run, outcome.delayMs);
      case 'failed': {
        const failures = job.attemptsMade + 1;
        const isFinal = outcome.isFinal === true || failures >= (options.attempts ?? 1);
        if (isFinal) note();
        const delay = retryDelay(options, failures);
        // BullMQ does not know the longest delay, so it is told the one that counts.
        job.opts.backoff = { type: 'fixed', delay };
        throw await this.#failure(run.lock, outcome.failure, isFinal);
      }
    }
  }

  /** The error that makes BullMQ store a failure, after what BullMQ has no place for is stored. */
  async #failure(lock: Lock, failure: JobFailure, isFinal: boolean): Promise<Error> {
    const { bullmq } = await this.#engine.link();
    await this.#engine
      .script('puffSetField', [`${lock.queue}${lock.id}`], [FAILURE_FIELD, JSON.stringify(failure)])
      .catch(() => {});
    const error = isFinal
      ? new bullmq.UnrecoverableError(failure.message)
      : new Error(failure.message);
    error.stack = failure.stack ?? `${failure.name}: ${failure.message}`;
    return error;
  }

  /** Gives a job back without counting the run; throws what tells BullMQ that it was moved. */
  async #giveBack(job: Job, token: string, run: Run, delayMs: number): Promise<never> {
    const { bullmq } = await this.#engine.link();
    if (!run.isGone) {
      run.isGone = true;
      try {
        if (delayMs > 0) await job.moveToDelayed(Date.now() + delayMs, token);
        else await job.moveToWait(token);
      } catch (error) {
        // The lease runs out, and the job is taken over.
        this.#trouble(error);
      }
      this.#leases.release(run.lock);
    }
    throw new bullmq.DelayedError();
  }

  /** Aborts a run whose job is not this worker's any more. */
  #lose(lock: Lock, code: string, message: string): void {
    for (const run of this.#runs.values()) {
      if (run.lock.id !== lock.id || run.lock.token !== lock.token || run.isGone) continue;
      run.isGone = true;
      run.controller.abort(new PuffError(code, message));
    }
    this.#leases.release(lock);
  }

  /** Notes when the job of a schedule began. */
  #noteSchedule(job: Job): void {
    if (job.repeatJobKey === undefined) return;
    const { scheduleRuns } = this.#engine.layout;
    this.#engine
      .script('puffSetRun', [scheduleRuns], [job.repeatJobKey, Date.now()])
      .catch(() => {});
  }

  async #takeSlot(): Promise<void> {
    if (this.#busy >= this.#options.concurrency) {
      await new Promise<void>((resolve) => this.#waitingForSlot.push(resolve));
    }
    this.#busy++;
    this.#balance();
  }

  #freeSlot(): void {
    this.#busy--;
    this.#waitingForSlot.shift()?.();
    this.#balance();
  }

  /** Shares the concurrency among the queues' workers: each may fetch what is free, and one in advance. */
  #balance(): void {
    if (this.#workers.size < 2 && this.#limits.parked === 0 && this.#options.limits.size === 0) {
      return;
    }
    const free = Math.max(0, this.#options.concurrency - this.#busy);
    for (const [queue, worker] of this.#workers) {
      let own = 0;
      for (const run of this.#runs.values()) if (run.queue === queue) own++;
      worker.concurrency = Math.max(1, own + free);
    }
  }

  #trouble(error: unknown): void {
    if (this.#isClosing) return;
    this.#isTroubled = true;
    this.#options.onTrouble(error instanceof Error ? error : new Error(String(error)));
  }

  #recovered(): void {
    if (!this.#isTroubled) return;
    this.#isTroubled = false;
    this.#options.onTrouble(undefined);
  }

  report(jobId: string, report: { progress?: string; logs?: readonly string[] }): void {
    const address = addressOf(jobId);
    if (address) this.#reports.add(address.queue, address.id, report);
  }

  close(options: { timeoutMs: number }): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#isClosing = true;
    // Redis may be away the whole time: nothing here waits for it without an end.
    await within(timeoutMs, this.#started);
    this.#limits.close();
    const ended = Promise.all([...this.#workers.values()].map((worker) => worker.close()));
    try {
      await within(timeoutMs, ended);
      await within(FORCED_CLOSE_MS, Promise.all([this.#giveAllBack(), ended]));
    } finally {
      await within(FORCED_CLOSE_MS, this.#reports.flush());
      this.#cancellations?.close();
      await this.#leases.close();
    }
  }

  /** Aborts what still runs and gives its jobs to other workers. */
  async #giveAllBack(): Promise<void> {
    for (const run of this.#runs.values()) {
      if (!run.isGone) {
        run.isGone = true;
        run.controller.abort(
          new PuffError('PUFF_TASK_WORKER_CLOSED', 'The worker is closed before the task is done.'),
        );
        const queue = this.#workers.get(run.queue);
        const job = await (await this.#engine.queue(run.queue)).getJob(run.lock.id);
        if (queue && job) await job.moveToWait(run.lock.token).catch(() => {});
        this.#leases.release(run.lock);
      }
      run.giveUp();
    }
  }
}

/** Waits for something, but no longer than so many milliseconds. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([promise, end]);
  } finally {
    clearTimeout(timer);
  }
}

function claimed(queue: string, job: Job): ClaimedJob {
  const { puff, telemetry, attempts } = job.opts as StoredOptions;
  return {
    id: storeId({ queue, id: job.id ?? '' }),
    task: job.name,
    queue,
    payload: puff?.isNull ? 'null' : JSON.stringify(job.data),
    start: job.attemptsStarted,
    failures: job.attemptsMade,
    maxAttempts: Math.max(1, attempts ?? 1),
    timeoutMs: puff?.timeoutMs ?? 0,
    runAt: puff?.runAt ?? job.timestamp + (job.opts.delay ?? 0),
    parentId: puff?.parent,
    trace: traceIn(telemetry?.metadata),
  };
}

/** `traceparent` as BullMQ's OpenTelemetry support writes it. */
function traceIn(metadata: string | undefined): string | undefined {
  if (metadata === undefined) return undefined;
  try {
    const { traceparent } = JSON.parse(metadata) as { traceparent?: unknown };
    return typeof traceparent === 'string' ? traceparent : undefined;
  } catch {
    return undefined;
  }
}
