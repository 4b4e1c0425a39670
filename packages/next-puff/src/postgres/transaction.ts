import { AsyncLocalStorage } from 'node:async_hooks';
import type { StatementResult } from '../boundary/completions.js';
import type { IsolationLevel } from '../context/request-context.js';
import { PostgresClosedError, PostgresError, PuffError } from '../errors.js';
import type { Executor, ExecutorOptions, QueryOptions, StreamOptions } from './queryable.js';
import {
  beginSession,
  closeCursor,
  endTransaction,
  fetchCursor,
  openCursor,
  type RunOptions,
  releaseSession,
  runScript,
  runStatement,
  type Target,
} from './statements.js';

/** How a transaction runs (PostgreSQL manual, `SET TRANSACTION`). */
export interface TransactionOptions {
  isolation?: IsolationLevel;
  readOnly?: boolean;
  /** With `serializable` and `readOnly`: wait for a snapshot that cannot fail. */
  deferrable?: boolean;
  /** Aborting it cancels what runs and rolls the transaction back. */
  signal?: AbortSignal;
}

const ISOLATION: Record<IsolationLevel, string> = {
  'read uncommitted': 'READ UNCOMMITTED',
  'read committed': 'READ COMMITTED',
  'repeatable read': 'REPEATABLE READ',
  serializable: 'SERIALIZABLE',
};

function beginText({ isolation, readOnly, deferrable }: TransactionOptions): string {
  let text = 'BEGIN';
  if (isolation !== undefined) {
    const level = ISOLATION[isolation];
    if (level === undefined) {
      throw new PuffError(
        'PUFF_POSTGRES_TRANSACTION',
        `There is no isolation level ${isolation}.`,
        {
          hint: `Use one of: ${Object.keys(ISOLATION).join(', ')}.`,
          operation: 'transaction',
        },
      );
    }
    text += ` ISOLATION LEVEL ${level}`;
  }
  if (readOnly) text += ' READ ONLY';
  if (deferrable) text += ' DEFERRABLE';
  return text;
}

/** The savepoints directly inside a transaction or a savepoint: they can only be one after another. */
interface Level {
  transaction: Transaction;
  /** Settles when the last savepoint that was asked for is over. */
  last: Promise<void>;
  outer: Level | undefined;
}

// One storage per process, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.postgres.savepoints');
const globals = globalThis as { [KEY]?: AsyncLocalStorage<Level> };
globals[KEY] ??= new AsyncLocalStorage<Level>();
const levels: AsyncLocalStorage<Level> = globals[KEY];

/** An open transaction and the connection it has. */
export class Transaction implements Executor {
  /** Unknown until the first statement of a transaction that is begun by it. */
  #target: Target | undefined;
  readonly #open: (() => Promise<Target>) | undefined;
  #opening: Promise<Target> | undefined;
  readonly #signals: readonly AbortSignal[];
  readonly #onAbort: () => void;
  #isOpen = true;
  /** Why it was given up before its end. */
  #abandoned: { reason: unknown } | undefined;
  /** The first error of a statement: PostgreSQL refuses all that follow. */
  #failure: unknown;
  #savepoints = 0;
  readonly #topLevel: Level = { transaction: this, last: Promise.resolve(), outer: undefined };
  #cursors = 0;

  private constructor(target: Target | (() => Promise<Target>), signals: readonly AbortSignal[]) {
    if (typeof target === 'function') this.#open = target;
    else this.#target = target;
    this.#signals = signals;
    this.#onAbort = () => this.#abandon();
    for (const signal of signals) signal.addEventListener('abort', this.#onAbort);
  }

  /** Begins a transaction on a connection of its own. */
  static async begin(
    pool: number,
    options: TransactionOptions,
    signals: readonly AbortSignal[],
  ): Promise<Transaction> {
    const session = await beginSession(pool, beginText(options), { signals });
    const transaction = new Transaction({ pool, session }, signals);
    if (signals.some((signal) => signal.aborted)) transaction.#abandon();
    return transaction;
  }

  /**
   * A transaction that somebody else begins and ends. `open` is called before the first statement and
   * resolves with where it runs; {@link Transaction.leave} must be called before the end.
   */
  static borrow(open: () => Promise<Target>, signals: readonly AbortSignal[]): Transaction {
    return new Transaction(open, signals);
  }

  /** Runs nothing more in a borrowed transaction: its owner ends it. */
  leave(): void {
    if (this.#isOpen) this.#close();
  }

  /** Whether statements can still run in it. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  run(
    text: string,
    values: readonly unknown[],
    options: ExecutorOptions,
  ): Promise<StatementResult> {
    const runOptions = this.#runOptions(options);
    return this.perform((target) => runStatement(target, text, values, runOptions));
  }

  runScript(text: string, options: QueryOptions): Promise<StatementResult> {
    const runOptions = this.#runOptions(options);
    return this.perform((target) => runScript(target, text, runOptions));
  }

  /** Runs what another interface has to run on this connection; its failure is the transaction's. */
  perform<T>(run: (target: Target) => Promise<T>): Promise<T> {
    if (!this.#isOpen) return Promise.reject(this.#closedError());
    const target = this.#target;
    if (target !== undefined) return this.#noteFailure(run(target));
    return this.#noteFailure(this.#begun().then(run));
  }

  /** Where statements run, also if that is not known yet. */
  async #begun(): Promise<Target> {
    const open = this.#open;
    if (this.#target !== undefined || open === undefined) return this.#known();
    this.#opening ??= open();
    this.#target = await this.#opening;
    if (!this.#isOpen) throw this.#closedError();
    return this.#target;
  }

  /** Where statements run, after the first one. */
  #known(): Target {
    if (this.#target === undefined) throw this.#closedError();
    return this.#target;
  }

  async *stream(
    text: string,
    values: readonly unknown[],
    options: StreamOptions,
  ): AsyncGenerator<unknown[], void, void> {
    const batchSize = checkedBatchSize(options.batchSize);
    if (!this.#isOpen) throw this.#closedError();
    const { session } = await this.#begun();
    const runOptions = this.#runOptions(options);
    const cursor = ++this.#cursors;
    const guard = (page: Promise<StatementResult>) => {
      const guarded = this.#noteFailure(page);
      // The next page is asked for early; if nobody takes it, its failure is nobody's.
      guarded.catch(() => {});
      return guarded;
    };
    let page = guard(openCursor(session, cursor, text, values, batchSize, runOptions));
    let isSuspended = true;
    try {
      while (isSuspended) {
        const result = await page;
        isSuspended = result.isSuspended;
        if (isSuspended) page = guard(fetchCursor(session, cursor, batchSize, runOptions));
        if (result.rows.length > 0) yield result.rows;
      }
    } finally {
      if (isSuspended && this.#isOpen && this.#failure === undefined) {
        await page.catch(() => {});
        await closeCursor(session, cursor);
      }
    }
  }

  /**
   * Runs a function inside a savepoint: if it throws, what it did is undone and the transaction
   * goes on. Savepoints that are asked for at the same time run one after another.
   */
  async savepoint<T>(fn: () => Promise<T>): Promise<T> {
    const level = this.#level();
    const turn = level.last;
    let end = () => {};
    level.last = new Promise((resolve) => {
      end = resolve;
    });
    await turn;
    try {
      return await this.#runSavepoint(fn);
    } finally {
      end();
    }
  }

  /** Where the calling code is: directly in the transaction or in one of its savepoints. */
  #level(): Level {
    let level = levels.getStore();
    while (level !== undefined && level.transaction !== this) level = level.outer;
    return level ?? this.#topLevel;
  }

  async #runSavepoint<T>(fn: () => Promise<T>): Promise<T> {
    const name = `puff_${++this.#savepoints}`;
    await this.runScript(`SAVEPOINT ${name}`, {});
    const level = { transaction: this, last: Promise.resolve(), outer: levels.getStore() };
    let result: T;
    try {
      result = await levels.run(level, fn);
    } catch (error) {
      if (this.#isOpen) await this.#undoSavepoint(name);
      throw error;
    }
    await this.runScript(`RELEASE SAVEPOINT ${name}`, {});
    return result;
  }

  async #undoSavepoint(name: string): Promise<void> {
    try {
      await runScript(this.#known(), `ROLLBACK TO SAVEPOINT ${name}; RELEASE SAVEPOINT ${name}`);
      this.#failure = undefined;
    } catch (error) {
      // The connection is gone; what the caller has to know is what came first.
      this.#failure ??= error;
    }
  }

  /**
   * Commits and gives the connection back.
   *
   * @throws {PostgresError} when PostgreSQL rolled back instead, because a statement had failed
   */
  async commit(): Promise<void> {
    if (!this.#isOpen) throw this.#closedError();
    this.#close();
    const { session } = this.#known();
    try {
      const result = await endTransaction(session, true);
      if (result.command !== 'COMMIT') throw rolledBack(this.#failure);
    } finally {
      releaseSession(session);
    }
  }

  /** Rolls back and gives the connection back; does nothing after the end. */
  async rollback(): Promise<void> {
    if (!this.#isOpen) return;
    this.#close();
    const { session } = this.#known();
    try {
      await endTransaction(session, false);
    } catch {
      // The connection is gone, and with it the transaction.
    } finally {
      releaseSession(session);
    }
  }

  #close(): void {
    this.#isOpen = false;
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#onAbort);
  }

  /** A signal aborted: the connection goes back at once, whatever the callback still does. */
  #abandon(): void {
    if (!this.#isOpen) return;
    this.#close();
    this.#abandoned = { reason: this.#signals.find((signal) => signal.aborted)?.reason };
    // A borrowed connection is its owner's to give back.
    if (this.#open === undefined) releaseSession(this.#known().session);
  }

  #closedError(): unknown {
    if (this.#abandoned !== undefined) return this.#abandoned.reason;
    return new PostgresClosedError('The transaction is over.', {
      operation: 'query',
      hint: 'Await every query inside the function that was given to transaction().',
    });
  }

  #runOptions({ signal, rowMode }: ExecutorOptions): RunOptions {
    const signals =
      signal === undefined || this.#signals.includes(signal)
        ? this.#signals
        : [...this.#signals, signal];
    return rowMode === undefined ? { signals } : { signals, rowMode };
  }

  #noteFailure<T>(result: Promise<T>): Promise<T> {
    return result.catch((error: unknown) => {
      this.#failure ??= error;
      throw error;
    });
  }
}

function rolledBack(cause: unknown): PostgresError {
  return new PostgresError(
    'The transaction was rolled back: a statement in it had failed.',
    { sqlState: '25P02' },
    {
      cause,
      operation: 'transaction',
      hint: 'Let the error of the statement leave the transaction, or run it in a savepoint.',
    },
  );
}

function checkedBatchSize(batchSize = 1000): number {
  if (Number.isInteger(batchSize) && batchSize >= 1 && batchSize <= 1_000_000) return batchSize;
  throw new PuffError(
    'PUFF_POSTGRES_STREAM',
    `batchSize must be a whole number from 1 to 1000000, it is ${batchSize}.`,
    { operation: 'stream' },
  );
}
