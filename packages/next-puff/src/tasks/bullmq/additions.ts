import { PuffError } from '../../errors.js';
import type { AddedJob, NewJob } from '../store.js';
import type { Engine } from './engine.js';
import type { Expiry } from './expiry.js';
import { type JobAddress, keyedJobId, newJobId, storeId } from './job-id.js';
import { optionsOf, type StoredOptions } from './job-options.js';
import type { Records } from './records.js';

/** Jobs that go to Redis together at most. */
const BATCH = 1_000;
/** So many go at once: Redis works on them while the next ones are written. */
const ENOUGH = 32;
/** A record goes at the earliest so long after its time: until then the job may not have run. */
const GRACE_MS = 60_000;
/** How long children of a job can be found at least, after the last one was added. */
const CHILDREN_MS = 7 * 24 * 60 * 60 * 1_000;

/** A job with the id and the options it gets in BullMQ. */
export interface PreparedJob extends JobAddress {
  task: string;
  payload: string;
  options: StoredOptions;
  /** Tells it from other jobs with the same idempotency key. */
  nonce: string;
}

/** Gives a job its id and BullMQ's options; throws if BullMQ cannot keep it. */
export function prepare(job: NewJob): PreparedJob {
  if (job.queue.includes(':') || job.queue === '' || job.queue === 'puff') {
    throw new PuffError('PUFF_TASK_QUEUE', `A queue on Redis cannot be called "${job.queue}".`, {
      operation: 'schedule',
      hint: 'Give it a name without colons that is not "puff".',
    });
  }
  const nonce = newJobId();
  const { task, queue, payload, idempotencyKey } = job;
  const id = idempotencyKey === undefined ? nonce : keyedJobId(task, idempotencyKey);
  return { queue, id, task, payload, nonce, options: optionsOf(job, id, nonce, Date.now()) };
}

/** Jobs of one call. */
interface Pending {
  jobs: readonly PreparedJob[];
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Adds jobs; those that are added in one turn of the event loop go to Redis together. */
export class Additions {
  readonly #engine: Engine;
  readonly #records: Records;
  readonly #expiry: Expiry;
  #pending: Pending[] = [];
  #pendingJobs = 0;

  constructor(engine: Engine, records: Records, expiry: Expiry) {
    this.#engine = engine;
    this.#records = records;
    this.#expiry = expiry;
  }

  /** Adds jobs, each unless it is there already. */
  async add(jobs: readonly PreparedJob[]): Promise<AddedJob[]> {
    if (jobs.length > 0) await this.#store(jobs);
    return Promise.all(
      jobs.map((job) =>
        job.id === job.nonce ? { id: storeId(job), isDuplicate: false } : this.#settleKeyed(job),
      ),
    );
  }

  /** Whether a job with an idempotency key, which was just sent, is the one that Redis keeps. */
  async #settleKeyed(job: PreparedJob): Promise<AddedJob> {
    const added = { id: storeId(job), isDuplicate: false };
    // Redis has kept the first one of this key. If its time is over but nobody has swept it yet, it goes now.
    for (let attempt = 0; attempt < 3; attempt++) {
      const owner = await this.#ownerOf(job);
      if (owner === job.nonce) return added;
      if (owner !== undefined && (await this.#records.get(added.id)) !== undefined) break;
      await this.#expiry.sweep(job.queue);
      await this.#store([job]);
    }
    return { ...added, isDuplicate: true };
  }

  async #ownerOf(job: PreparedJob): Promise<string | undefined> {
    const { client } = await this.#engine.link();
    const key = `${this.#engine.layout.queue(job.queue)}${job.id}`;
    const options = await this.#engine.answered(client.hget(key, 'opts'));
    return options === null ? undefined : (JSON.parse(options) as StoredOptions).puff?.nonce;
  }

  #store(jobs: readonly PreparedJob[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#pending.length === 0) setImmediate(() => this.#flush());
      this.#pending.push({ jobs, resolve, reject });
      this.#pendingJobs += jobs.length;
      if (this.#pendingJobs >= ENOUGH) this.#flush();
    });
  }

  #flush(): void {
    const calls = this.#pending;
    this.#pending = [];
    this.#pendingJobs = 0;
    const batches: { queue: string; jobs: PreparedJob[]; calls: Set<Pending> }[] = [];
    const open = new Map<string, (typeof batches)[number]>();
    for (const call of calls) {
      for (const job of call.jobs) {
        let batch = open.get(job.queue);
        if (batch === undefined || batch.jobs.length === BATCH) {
          batch = { queue: job.queue, jobs: [], calls: new Set() };
          batches.push(batch);
          open.set(job.queue, batch);
        }
        batch.jobs.push(job);
        batch.calls.add(call);
      }
    }
    const sent = batches.map(({ queue, jobs }) => this.#send(queue, jobs));
    for (const call of calls) {
      const own = sent.filter((_, place) => batches[place]?.calls.has(call));
      Promise.all(own).then(() => call.resolve(), call.reject);
    }
  }

  async #send(queueName: string, jobs: readonly PreparedJob[]): Promise<void> {
    const { layout } = this.#engine;
    const queue = await this.#engine.queue(queueName);
    const now = Date.now();
    const expiries: [string, number][] = [];
    const children: [string, string, number, number][] = [];
    for (const { id, options } of jobs) {
      const { puff, delay = 0 } = options;
      const keepMs = puff?.keepResultMs ?? 0;
      expiries.push([id, now + delay + keepMs + GRACE_MS]);
      if (puff?.parent === undefined) continue;
      const job = storeId({ queue: queueName, id });
      const keptMs = delay + keepMs + CHILDREN_MS;
      children.push([layout.children(puff.parent), job, now, keptMs]);
    }
    // Noted first, so that no record can stay for ever.
    const noted = this.#engine.script(
      'puffRegister',
      [layout.queues, layout.expiries(queueName)],
      [JSON.stringify({ queue: queueName, areNew: true, expiries, children })],
    );
    const added = this.#engine.answered(
      queue.addBulk(
        jobs.map(({ task, payload, options }) => ({
          name: task,
          data: JSON.parse(payload) as unknown,
          opts: options,
        })),
      ),
    );
    await Promise.all([noted, added]);
  }
}
