import { Client } from '../../../pg/client.js';
import { DEFAULT_POOL, poolOptions } from '../../../postgres/database.js';
import { say } from '../../../report.js';
import type { PreparedJob } from '../additions.js';
import { CHANNEL, type Outbox } from './outbox.js';

/** Jobs brought to Redis in one transaction. */
const BATCH = 500;
/** How often the table is looked at, in case a wake-up was missed. */
const POLL_MS = 2_000;
/** Pause before listening is tried again. */
const RETRY_MS = 1_000;

/**
 * Brings the jobs of an outbox to Redis, soon after the commits of the transactions that they were scheduled in.
 *
 * A database that cannot be reached keeps no job in Redis from being run, so it is only told of: the worker stays ready.
 */
export class OutboxRelay {
  readonly #outbox: Outbox;
  readonly #add: (jobs: PreparedJob[]) => Promise<unknown>;
  #client: Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #listenTimer: NodeJS.Timeout | undefined;
  #relaying: Promise<void> | undefined;
  /** There may be more than what is being relayed now. */
  #isWoken = false;
  #isTroubled = false;
  #isClosed = false;

  constructor(outbox: Outbox, add: (jobs: PreparedJob[]) => Promise<unknown>) {
    this.#outbox = outbox;
    this.#add = add;
    void this.#listen();
    this.wake();
  }

  /** Looks at the table now. */
  wake(): void {
    if (this.#isClosed) return;
    this.#isWoken = true;
    this.#relaying ??= this.#relay().finally(() => {
      this.#relaying = undefined;
    });
  }

  async #relay(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      await this.#outbox.prepareTable();
      while (this.#isWoken && !this.#isClosed) {
        this.#isWoken = false;
        const taken = await this.#outbox.take(BATCH, async (jobs) => {
          await this.#add(jobs);
        });
        if (taken === BATCH) this.#isWoken = true;
      }
      this.#tell(undefined);
    } catch (error) {
      // The jobs are still in the table, and the next look finds them.
      this.#tell(error as Error);
    }
    if (!this.#isClosed) this.#timer = setTimeout(() => this.wake(), POLL_MS).unref();
  }

  #tell(error: Error | undefined): void {
    if (this.#isClosed || this.#isTroubled === (error !== undefined)) return;
    this.#isTroubled = error !== undefined;
    say(
      error === undefined
        ? 'tasks that transactions scheduled get to Redis again'
        : `tasks that transactions scheduled wait in PostgreSQL, trying again: ${error.message}`,
    );
  }

  async #listen(): Promise<void> {
    if (this.#isClosed) return;
    const client = new Client({ connectionString: poolOptions(DEFAULT_POOL).url });
    this.#client = client;
    let isOver = false;
    const again = () => {
      if (isOver) return;
      isOver = true;
      client.end().catch(() => {});
      if (!this.#isClosed) {
        this.#listenTimer = setTimeout(() => void this.#listen(), RETRY_MS).unref();
      }
    };
    client.on('error', again);
    client.on('end', again);
    client.on('notification', () => this.wake());
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      this.wake();
    } catch {
      again();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#listenTimer);
    await this.#client?.end().catch(() => {});
    await this.#relaying;
  }
}
