import type { Database } from '../../postgres/database.js';
import type { Transaction } from '../../postgres/transaction.js';
import { reportError } from '../../report.js';
import { type Cron, nextCronTime, parseCron } from '../cron.js';
import type { AddedJob, NewJob, StoredSchedule } from '../store.js';
import { deployment, NOW, type Run } from './deployment.js';

/** Schedules that another process has stored are found after this time. */
const LOOK_MS = 5_000;

/** How many schedules one transaction works off. */
const BATCH = 100;

/** What schedules need of their store. */
export interface ScheduleStore {
  /** Makes the tables, unless they are there. */
  prepare(): Promise<unknown>;
  /** Adds jobs in the transaction of a session. */
  addIn(session: number, jobs: readonly NewJob[]): Promise<AddedJob[]>;
}

/** What a deployment wants to have stored. */
interface Wanted {
  schedules: readonly { schedule: StoredSchedule; cron: Cron }[];
  deployedAt: number;
}

interface Row {
  id: string;
  cron: string;
  timeZone: string;
  job: string;
  nextAt: number;
  lastAt: number | null;
}

const COLUMNS = `id, cron, time_zone as "timeZone", job, next_at::float8 as "nextAt", last_at::float8 as "lastAt"`;

/**
 * The schedules in the database, and the clock that works them off while this isolate has workers.
 *
 * A schedule that is due is locked by one worker, its job added and its next time stored in one transaction.
 * Times that passed while no worker lived are made up for once.
 */
export class PostgresSchedules {
  readonly #database: Database;
  readonly #store: ScheduleStore;
  readonly #watchers = new Set<object>();
  #timer: NodeJS.Timeout | undefined;
  #wanted: Wanted | undefined;

  constructor(database: Database, store: ScheduleStore) {
    this.#database = database;
    this.#store = store;
  }

  async put(given: readonly StoredSchedule[], deployedAt: number): Promise<void> {
    const schedules = given.map((schedule) => ({ schedule, cron: parseCron(schedule.cron) }));
    const wanted = { schedules, deployedAt };
    await this.#store.prepare();
    await this.#write(wanted, true);
    this.#wanted = wanted;
    if (this.#watchers.size > 0) this.#schedule(0);
  }

  /** Stores what is wanted, unless a newer deployment lives. */
  #write({ schedules, deployedAt }: Wanted, isNew: boolean): Promise<void> {
    return this.#transact(async (_transaction, run) => {
      if (!(await deployment.takesOver(run, deployedAt, isNew))) return;
      const ids = schedules.map(({ schedule }) => schedule.id);
      const [clock] = await run(`select ${NOW} as now`, []);
      await run('delete from next_puff.task_schedules where id <> all ($1::text[])', [ids]);
      for (const { schedule, cron } of schedules) {
        const { id, timeZone, job } = schedule;
        const next = nextCronTime(cron, timeZone, clock?.now as number);
        await run(
          `insert into next_puff.task_schedules as known (id, cron, time_zone, job, next_at)
           values ($1, $2, $3, $4, $5)
           on conflict (id) do update set cron = excluded.cron, time_zone = excluded.time_zone, job = excluded.job,
             next_at = case when known.cron = excluded.cron and known.time_zone = excluded.time_zone
               then known.next_at else excluded.next_at end`,
          [id, schedule.cron, timeZone, JSON.stringify(job), next],
        );
      }
    });
  }

  async list(): Promise<(StoredSchedule & { nextAt: number; lastAt?: number })[]> {
    await this.#store.prepare();
    const sql = `select ${COLUMNS} from next_puff.task_schedules order by id`;
    const { rows } = await this.#database.run(sql, [], {});
    return (rows as Row[]).map(({ id, cron, timeZone, job, nextAt, lastAt }) => {
      const schedule = { id, cron, timeZone, job: JSON.parse(job), nextAt };
      return lastAt === null ? schedule : { ...schedule, lastAt };
    });
  }

  /** Works schedules off from now on, until {@link PostgresSchedules.unwatch}. */
  watch(worker: object): void {
    this.#watchers.add(worker);
    if (this.#watchers.size === 1) this.#schedule(0);
  }

  async unwatch(worker: object): Promise<void> {
    this.#watchers.delete(worker);
    if (this.#watchers.size > 0) return;
    clearTimeout(this.#timer);
    if (this.#wanted === undefined) return;
    // Where it cannot be told it is found out a little later.
    await deployment.leave(this.#run, this.#wanted.deployedAt).catch(() => {});
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), delayMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    let delayMs = LOOK_MS;
    try {
      await this.#store.prepare();
      await this.#stay();
      delayMs = await this.#workOff();
    } catch {
      // Workers tell of a store that is away; a schedule is due until it was worked off.
    }
    if (this.#watchers.size > 0) this.#schedule(delayMs);
  }

  /** Says that this deployment lives, and has its schedules stored once no newer one does. */
  async #stay(): Promise<void> {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    const isDue = await deployment.isDue(this.#run, wanted.deployedAt);
    if (isDue && this.#watchers.size > 0) await this.#write(wanted, false);
  }

  /** Adds the jobs that are due, and answers when to look again, in milliseconds. */
  #workOff(): Promise<number> {
    return this.#transact(async (transaction, run) => {
      const due = await run(
        `select ${COLUMNS}, ${NOW} as now from next_puff.task_schedules
         where next_at <= ${NOW} order by next_at limit ${BATCH} for update skip locked`,
        [],
      );
      for (const row of due) await this.#add(transaction, row as unknown as Row & { now: number });
      if (due.length === BATCH) return 0;
      const [next] = await run(
        `select min(next_at) - ${NOW} as "delayMs" from next_puff.task_schedules where next_at > ${NOW}`,
        [],
      );
      const delayMs = (next?.delayMs as number | null | undefined) ?? LOOK_MS;
      return Math.min(Math.max(1, Math.ceil(delayMs)), LOOK_MS);
    });
  }

  async #add(transaction: Transaction, row: Row & { now: number }): Promise<void> {
    const { id, timeZone, nextAt, now } = row;
    let next: number;
    try {
      next = nextCronTime(parseCron(row.cron), timeZone, now);
    } catch (error) {
      // Of a version that reads other expressions; this one leaves it alone for a while.
      reportError(error, `schedule ${id}`);
      await transaction.run(
        'update next_puff.task_schedules set next_at = $2 where id = $1',
        [id, Math.trunc(now + 60_000)],
        {},
      );
      return;
    }
    const job = JSON.parse(row.job) as StoredSchedule['job'];
    const added: NewJob = { ...job, runAt: nextAt, idempotencyKey: `schedule ${id} ${nextAt}` };
    await transaction.perform(({ session }) => this.#store.addIn(session, [added]));
    await transaction.run(
      'update next_puff.task_schedules set next_at = $2, last_at = $3 where id = $1',
      [id, next, nextAt],
      {},
    );
  }

  readonly #run: Run = async (sql, values) =>
    (await this.#database.run(sql, values, {})).rows as Record<string, unknown>[];

  #transact<T>(fn: (transaction: Transaction, run: Run) => Promise<T>): Promise<T> {
    return this.#database.transaction(async (transaction) => {
      const run: Run = async (sql, values) =>
        (await transaction.run(sql, values, {})).rows as Record<string, unknown>[];
      return fn(transaction, run);
    }, {});
  }
}
