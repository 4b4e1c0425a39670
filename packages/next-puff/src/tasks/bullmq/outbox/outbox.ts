import { NotConfiguredError } from '../../../errors.js';
import { Database, DEFAULT_POOL, poolOptions } from '../../../postgres/database.js';
import { queryable } from '../../../postgres/queryable.js';
import type { JobRecord, NewJob } from '../../store.js';
import type { PreparedJob } from '../additions.js';
import { storeId } from '../job-id.js';
import { optionsOf } from '../job-options.js';

/** The channel on which a commit tells that there are jobs. */
export const CHANNEL = 'puff_task_outbox';

/** Locks out other processes that create the table; any number that nobody else uses. */
const CREATE_LOCK = 7_803_155_209;

/** A job as it stands in the table. */
interface StoredJob {
  /** BullMQ's id, fixed when the job was scheduled: what is relayed twice is added once. */
  id: string;
  nonce: string;
  createdAt: number;
  job: NewJob;
}

/**
 * Jobs that were scheduled inside a transaction on the default pool, in a table that is written over the transaction's own
 * connection: they are there when it commits, and never if it rolls back. Workers bring them to Redis.
 */
export class Outbox {
  readonly #prefix: string;
  /** What the calling code is in counts. */
  readonly #joined = new Database(DEFAULT_POOL);
  readonly #detached = new Database(DEFAULT_POOL, { isDetached: true });
  readonly #statements = queryable(this.#detached);
  #isReady = false;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Whether there is a database at all. */
  static isPossible(): boolean {
    try {
      poolOptions(DEFAULT_POOL);
      return true;
    } catch (error) {
      if (error instanceof NotConfiguredError) return false;
      throw error;
    }
  }

  /** Whether the calling code is in a transaction. */
  isInTransaction(): boolean {
    return this.#joined.current() !== undefined;
  }

  /** Stores jobs in the calling code's transaction. */
  async put(jobs: readonly { prepared: PreparedJob; job: NewJob }[]): Promise<void> {
    const createdAt = Date.now();
    const ids = jobs.map(({ prepared }) => storeId(prepared));
    const texts = jobs.map(({ prepared: { id, nonce }, job }) =>
      JSON.stringify({ id, nonce, createdAt, job } satisfies StoredJob),
    );
    await this.prepareTable();
    await queryable(this.#joined).query(
      `WITH stored AS (
         INSERT INTO next_puff.task_outbox (prefix, job_id, job, created_at)
         SELECT $1, job_id, job, clock_timestamp() FROM unnest($2::text[], $3::text[]) AS jobs (job_id, job)
       )
       SELECT pg_notify($4, '')`,
      [this.#prefix, ids, texts, CHANNEL],
    );
  }

  /** A job that has not been brought to Redis yet. */
  async find(jobId: string): Promise<JobRecord | undefined> {
    if (!(await this.#hasTable())) return undefined;
    const row = await this.#statements.first<{ job: string }>(
      'SELECT job FROM next_puff.task_outbox WHERE prefix = $1 AND job_id = $2 ORDER BY id LIMIT 1',
      [this.#prefix, jobId],
    );
    return row === undefined ? undefined : recordOf(JSON.parse(row.job) as StoredJob);
  }

  /** Removes a job that has not been brought to Redis yet. */
  async remove(jobId: string): Promise<boolean> {
    if (!(await this.#hasTable())) return false;
    const { rowCount } = await this.#statements.execute(
      'DELETE FROM next_puff.task_outbox WHERE prefix = $1 AND job_id = $2',
      [this.#prefix, jobId],
    );
    return rowCount > 0;
  }

  /**
   * Takes jobs out, oldest first, and answers how many; they are back if `bring` throws. Several workers get different
   * ones.
   */
  take(limit: number, bring: (jobs: PreparedJob[]) => Promise<void>): Promise<number> {
    return this.#detached.transaction(async (transaction) => {
      const rows = await queryable(transaction).query<{ job: string; age_ms: number }>(
        `WITH taken AS (
           DELETE FROM next_puff.task_outbox WHERE id IN (
             SELECT id FROM next_puff.task_outbox WHERE prefix = $1
             ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
           ) RETURNING id, job, created_at
         )
         SELECT job, (extract(epoch FROM clock_timestamp() - created_at) * 1000)::float8 AS age_ms
         FROM taken ORDER BY id`,
        [this.#prefix, limit],
      );
      if (rows.length > 0)
        await bring(rows.map(({ job, age_ms }) => preparedOf(JSON.parse(job), age_ms)));
      return rows.length;
    }, {});
  }

  /** Creates the table if it is missing. */
  async prepareTable(): Promise<void> {
    if (await this.#hasTable()) return;
    await this.#statements.script(`
      BEGIN;
      SELECT pg_advisory_xact_lock(${CREATE_LOCK});
      CREATE SCHEMA IF NOT EXISTS next_puff;
      CREATE TABLE IF NOT EXISTS next_puff.task_outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        prefix text NOT NULL,
        job_id text NOT NULL,
        job text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX IF NOT EXISTS task_outbox_job_id ON next_puff.task_outbox (job_id);
      COMMIT`);
    this.#isReady = true;
  }

  async #hasTable(): Promise<boolean> {
    if (this.#isReady) return true;
    const found = await this.#statements.first<{ found: boolean }>(
      `SELECT to_regclass('next_puff.task_outbox') IS NOT NULL AS found`,
    );
    this.#isReady = found?.found === true;
    return this.#isReady;
  }
}

/**
 * The job as it is added now: what its time means to BullMQ depends on when that is. What is left of a delay is counted by
 * PostgreSQL's clock.
 */
function preparedOf({ id, nonce, job }: StoredJob, ageMs: number): PreparedJob {
  const { task, queue, payload, delayMs } = job;
  const now = Date.now();
  const due = delayMs === undefined ? job : { ...job, runAt: Math.round(now + delayMs - ageMs) };
  return { queue, id, task, payload, nonce, options: optionsOf(due, id, nonce, now) };
}

function recordOf({ id, createdAt, job }: StoredJob): JobRecord {
  const { trace: _trace, delayMs: _delayMs, ...kept } = job;
  return {
    ...kept,
    id: storeId({ queue: job.queue, id }),
    state: job.runAt > Date.now() ? 'delayed' : 'waiting',
    createdAt,
    starts: 0,
    failures: 0,
    logs: [],
  };
}
