import type { JobFailure, JobRecord, JobState } from '../store.js';
import type { Engine } from './engine.js';
import { addressOf, storeId } from './job-id.js';
import { priorityFrom, type StoredOptions } from './job-options.js';

/** Jobs read by one script. */
const BATCH = 200;

/** Field of a job in which its last failure is kept as JSON: BullMQ has only the message and the stack. */
export const FAILURE_FIELD = 'puff-failure';

/** Reads records; what is asked for in one turn of the event loop is read together. */
export class Records {
  readonly #engine: Engine;
  readonly #asked = new Map<
    string,
    {
      id: string;
      resolve: (job: JobRecord | undefined) => void;
      reject: (error: unknown) => void;
    }[]
  >();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** A job; nothing if there is none, or its time is over. */
  get(jobId: string): Promise<JobRecord | undefined> {
    const address = addressOf(jobId);
    if (address === undefined) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      if (this.#asked.size === 0) setImmediate(() => this.#readAll());
      let asked = this.#asked.get(address.queue);
      if (asked === undefined) {
        asked = [];
        this.#asked.set(address.queue, asked);
      }
      asked.push({ id: address.id, resolve, reject });
    });
  }

  #readAll(): void {
    const all = [...this.#asked];
    this.#asked.clear();
    for (const [queue, asked] of all) {
      for (let start = 0; start < asked.length; start += BATCH) {
        const batch = asked.slice(start, start + BATCH);
        this.#read(
          queue,
          batch.map(({ id }) => id),
        ).then(
          (jobs) => {
            for (const [i, { resolve }] of batch.entries()) resolve(jobs[i]);
          },
          (error: unknown) => {
            for (const { reject } of batch) reject(error);
          },
        );
      }
    }
  }

  async #read(queue: string, ids: string[]): Promise<(JobRecord | undefined)[]> {
    const now = Date.now();
    const found = (await this.#engine.script('puffRead', this.#engine.stateKeys(queue), [
      this.#engine.layout.queue(queue),
      now,
      ...ids,
    ])) as ([JobState, string[], string[]] | null)[];
    return found.map((job, i) => {
      if (!job) return undefined;
      const record = recordOf({ queue, id: ids[i] as string }, job[0], fieldsOf(job[1]), job[2]);
      return record.expiresAt !== undefined && record.expiresAt <= now ? undefined : record;
    });
  }
}

function fieldsOf(flat: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) fields.set(flat[i] as string, flat[i + 1] as string);
  return fields;
}

function recordOf(
  address: { queue: string; id: string },
  state: JobState,
  fields: Map<string, string>,
  log: readonly string[],
): JobRecord {
  const number = (name: string) => Number(fields.get(name) ?? 0);
  const options = optionsIn(fields.get('opts'));
  const { puff } = options;
  const timestamp = number('timestamp');
  const attempts = number('atm');
  const record: JobRecord = {
    id: storeId(address),
    queue: address.queue,
    task: fields.get('name') ?? '',
    payload: puff?.isNull ? 'null' : (fields.get('data') ?? 'null'),
    state,
    priority: priorityFrom(number('priority')),
    runAt: puff?.runAt ?? timestamp + (options.delay ?? 0),
    timeoutMs: puff?.timeoutMs ?? 0,
    keepResultMs: puff?.keepResultMs ?? 0,
    maxAttempts: Math.max(1, options.attempts ?? 1),
    backoff: backoffOf(options),
    createdAt: puff?.createdAt ?? timestamp,
    starts: number('ats'),
    // BullMQ counts the run that succeeded too.
    failures: Math.max(0, state === 'completed' ? attempts - 1 : attempts),
    logs: log.map((line) => logLine(line, number('processedOn') || timestamp)),
  };
  if (puff?.key !== undefined) record.idempotencyKey = puff.key;
  if (puff?.parent !== undefined) record.parentId = puff.parent;
  if (fields.has('processedOn')) record.startedAt = number('processedOn');
  const worker = fields.get('pb');
  if (worker !== undefined) record.worker = worker;
  const progress = fields.get('progress');
  if (progress !== undefined) record.progress = progress;
  const failure = failureOf(fields);
  if (failure !== undefined && state !== 'cancelled') record.failure = failure;
  if (state === 'completed' || state === 'failed' || state === 'cancelled') {
    record.endedAt = number('finishedOn');
    if (puff !== undefined) record.expiresAt = record.endedAt + puff.keepResultMs;
  }
  if (state === 'completed') record.result = fields.get('returnvalue') ?? 'null';
  return record;
}

/** A job's options as BullMQ has written them, with its short names for what is read here. */
function optionsIn(text: string | undefined): StoredOptions {
  return text === undefined ? {} : (JSON.parse(text) as StoredOptions);
}

function backoffOf({ backoff, puff }: StoredOptions): JobRecord['backoff'] {
  const { type, delay = 0 } =
    typeof backoff === 'number'
      ? { type: 'fixed', delay: backoff }
      : (backoff ?? { type: 'fixed' });
  return {
    type: type === 'exponential' ? 'exponential' : 'fixed',
    delayMs: delay,
    maxDelayMs: puff?.maxDelayMs ?? Number.MAX_SAFE_INTEGER,
  };
}

function failureOf(fields: Map<string, string>): JobFailure | undefined {
  const message = fields.get('failedReason');
  if (message === undefined) return undefined;
  const stored = fields.get(FAILURE_FIELD);
  if (stored !== undefined) {
    const failure = JSON.parse(stored) as JobFailure;
    if (failure.message === message) return failure;
  }
  const stacks = JSON.parse(fields.get('stacktrace') ?? '[]') as string[] | null;
  const stack = stacks?.at(-1);
  return { name: 'Error', message, ...(stack === undefined ? {} : { stack }) };
}

/** A line of a log as it is kept: its time stands before it, where it can be read by people too. */
export function storedLogLine(at: number, line: string): string {
  return `${new Date(at).toISOString()} ${line}`;
}

function logLine(stored: string, startedAt: number): { at: number; line: string } {
  const at = Date.parse(stored.slice(0, 24));
  if (stored[24] !== ' ' || stored[23] !== 'Z' || Number.isNaN(at)) {
    return { at: startedAt, line: stored };
  }
  return { at, line: stored.slice(25) };
}
