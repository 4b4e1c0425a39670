import { AsyncLocalStorage } from 'node:async_hooks';
import type { StatementResult } from '../boundary/completions.js';
import { errorOfThrown } from '../boundary/failures.js';
import type { PoolConfig } from '../config/puff-config.cjs';
import { settings } from '../config/settings.js';
import { currentContext, type RequestContext } from '../context/request-context.js';
import { NotConfiguredError, PostgresClosedError, PuffError } from '../errors.js';
import { loadNative, type PoolStatus } from '../native.js';
import {
  blameCaller,
  type Executor,
  type ExecutorOptions,
  type QueryOptions,
  type StreamOptions,
} from './queryable.js';
import { closePool, type RunOptions, runScript, runStatement, type Target } from './statements.js';
import { Transaction, type TransactionOptions } from './transaction.js';

/** The transactions that the calling code runs in, innermost first; one per pool counts. */
interface Ambient {
  pool: string;
  transaction: Transaction;
  outer: Ambient | undefined;
}

// One storage per process, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.postgres.transactions');
const globals = globalThis as { [KEY]?: AsyncLocalStorage<Ambient> };
globals[KEY] ??= new AsyncLocalStorage<Ambient>();
const ambient: AsyncLocalStorage<Ambient> = globals[KEY];

/** The name of the pool that `DATABASE_URL` configures. */
export const DEFAULT_POOL = 'default';

/** The options of a pool that can be opened. */
export type NamedPoolOptions = PoolConfig & { url: string };

/** What differs from the pool of that name in `puff.config.ts`, for callers inside the package. */
export interface DatabaseOptions {
  /** Statements belong to no transaction and no request, whatever the calling code is in. */
  isDetached?: boolean;
  /** The pool's options, instead of those in the configuration. */
  options?: NamedPoolOptions;
}

/**
 * One configured pool: finds the native pool, and the transaction that the calling code is in.
 */
export class Database implements Executor {
  readonly #name: string;
  readonly #isDetached: boolean;
  readonly #options: NamedPoolOptions | undefined;
  #pool: number | undefined;

  constructor(name: string, { isDetached = false, options }: DatabaseOptions = {}) {
    this.#name = name;
    this.#isDetached = isDetached;
    this.#options = options;
  }

  run(
    text: string,
    values: readonly unknown[],
    options: ExecutorOptions,
  ): Promise<StatementResult> {
    return this.#inTransaction(
      (transaction) => transaction.run(text, values, options),
      (target, runOptions) => runStatement(target, text, values, runOptions),
      options,
    );
  }

  runScript(text: string, options: QueryOptions): Promise<StatementResult> {
    return this.#inTransaction(
      (transaction) => transaction.runScript(text, options),
      (target, runOptions) => runScript(target, text, runOptions),
      options,
    );
  }

  async *stream(
    text: string,
    values: readonly unknown[],
    options: StreamOptions,
  ): AsyncGenerator<unknown[], void, void> {
    const joined = await this.current();
    if (joined !== undefined) {
      yield* joined.stream(text, values, options);
      return;
    }
    const own = await Transaction.begin(this.#poolId(), {}, this.#signals(options));
    let isComplete = false;
    try {
      yield* own.stream(text, values, options);
      isComplete = true;
    } finally {
      await (isComplete ? own.commit() : own.rollback());
    }
  }

  /** Runs a function in a transaction, or in a savepoint of the one the caller is in. */
  async transaction<T>(
    fn: (transaction: Transaction) => Promise<T>,
    options: TransactionOptions,
  ): Promise<T> {
    const outer = await this.current();
    if (outer !== undefined) {
      checkSavepointOptions(options);
      return outer.savepoint(() => fn(outer));
    }
    let transaction: Transaction;
    try {
      transaction = await this.begin(options);
    } catch (error) {
      throw blameCaller(error, this.transaction);
    }
    let result: T;
    try {
      result = await this.within(transaction, () => fn(transaction));
    } catch (error) {
      await transaction.rollback();
      throw error;
    }
    try {
      await transaction.commit();
    } catch (error) {
      throw blameCaller(error, this.transaction);
    }
    return result;
  }

  /** Begins a transaction of its own, whose end the caller sees to. */
  begin(options: TransactionOptions): Promise<Transaction> {
    const signals = this.#signals(options);
    return this.#onPool((pool) => Transaction.begin(pool, options, signals));
  }

  /** Runs a function whose statements on this pool belong to a transaction that somebody else ends. */
  within<T>(transaction: Transaction, fn: () => T): T {
    return ambient.run({ pool: this.#name, transaction, outer: ambient.getStore() }, fn);
  }

  /** The native pool's id; makes the pool at the first use, opens no connection. */
  nativePool(): number {
    return this.#poolId();
  }

  /** What the pool is doing; opens no connection. */
  status(): PoolStatus {
    return loadNative().postgresPoolStatus(this.#poolId());
  }

  /** Closes the pool for the whole process; the next use opens it anew. */
  async end(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    if (pool !== undefined) await closePool(pool);
  }

  #inTransaction(
    joined: (transaction: Transaction) => Promise<StatementResult>,
    direct: (target: Target, options: RunOptions) => Promise<StatementResult>,
    options: ExecutorOptions,
  ): Promise<StatementResult> {
    const current = this.current();
    if (current instanceof Transaction) return joined(current);
    if (current !== undefined) return current.then(joined);
    const signals = this.#signals(options);
    const { rowMode } = options;
    const runOptions = rowMode === undefined ? { signals } : { signals, rowMode };
    return this.#onPool((pool) => direct({ pool, session: 0 }, runOptions));
  }

  /** Another isolate may have closed the pool since this one found it. */
  async #onPool<T>(run: (pool: number) => Promise<T>): Promise<T> {
    const pool = this.#poolId();
    try {
      return await run(pool);
    } catch (error) {
      if (!(error instanceof PostgresClosedError) || this.#pool !== pool) throw error;
      this.#pool = undefined;
      return run(this.#poolId());
    }
  }

  /** The transaction that a statement of the calling code belongs to, if there is one. */
  current(): Transaction | Promise<Transaction> | undefined {
    if (this.#isDetached) return undefined;
    const joined = this.#ambient();
    if (joined !== undefined) return joined;
    const context = currentContext();
    if (context?.isActive && context.transaction !== false) {
      return this.#transactionOf(context, context.transaction);
    }
    return undefined;
  }

  #ambient(): Transaction | undefined {
    if (this.#isDetached) return undefined;
    for (let scope = ambient.getStore(); scope !== undefined; scope = scope.outer) {
      if (scope.pool === this.#name && scope.transaction.isOpen) return scope.transaction;
    }
    return undefined;
  }

  /**
   * What sets the calling code apart from callers whose statements must not be mixed with its own: its
   * transaction, or else its request.
   */
  scope(): object | undefined {
    const joined = this.#ambient();
    if (joined !== undefined) return joined;
    const context = this.#isDetached ? undefined : currentContext();
    return context?.isActive ? context : undefined;
  }

  /** The transaction of a request, begun by its first statement and ended with its handler. */
  #transactionOf(context: RequestContext, options: TransactionOptions): Promise<Transaction> {
    const key = `postgres:${this.#name}`;
    let begun = context.resources.get(key) as Promise<Transaction> | undefined;
    if (begun === undefined) {
      begun = Transaction.begin(this.#poolId(), options, [context.signal]);
      context.resources.set(key, begun);
      const opening = begun;
      context.onSettle(async (outcome) => {
        const transaction = await opening.catch(() => undefined);
        await (outcome === 'success' ? transaction?.commit() : transaction?.rollback());
      });
    }
    return begun;
  }

  /** The caller's signal and that of its request. */
  #signals({ signal }: { signal?: AbortSignal }): readonly AbortSignal[] {
    const context = this.#isDetached ? undefined : currentContext();
    if (!context?.isActive) return signal === undefined ? NO_SIGNALS : [signal];
    return signal === undefined ? [context.signal] : [signal, context.signal];
  }

  #poolId(): number {
    this.#pool ??= openPool(this.#name, this.#options ?? poolOptions(this.#name));
    return this.#pool;
  }
}

/**
 * A savepoint takes no options.
 *
 * @throws {PuffError} `PUFF_POSTGRES_TRANSACTION`
 */
export function checkSavepointOptions(options: TransactionOptions): void {
  if (options.isolation === undefined && !options.readOnly && !options.deferrable) return;
  throw new PuffError(
    'PUFF_POSTGRES_TRANSACTION',
    'A transaction inside another is a savepoint and cannot have its own isolation level or access mode.',
    { operation: 'transaction', hint: 'Give the options to the outer transaction.' },
  );
}

const NO_SIGNALS: readonly AbortSignal[] = [];

function openPool(name: string, options: NamedPoolOptions): number {
  try {
    return loadNative().postgresPool(name, JSON.stringify(options));
  } catch (error) {
    if (error instanceof PuffError) throw error;
    throw errorOfThrown(error);
  }
}

/**
 * The options that the configuration has for a pool.
 *
 * @throws {NotConfiguredError} when it has no such pool, or no URL for it
 */
export function poolOptions(name: string): NamedPoolOptions {
  const { pools = {}, ...defaultPool } = settings().postgres;
  const config = name === DEFAULT_POOL ? defaultPool : pools[name];
  if (config === undefined) throw unknownPool(name, Object.keys(pools));
  // A pool without a url of its own is another one on the default database.
  const url = config.url || defaultPool.url || process.env.DATABASE_URL;
  if (!url) throw notConfigured();
  return { ...config, url };
}

function unknownPool(name: string, known: readonly string[]): NotConfiguredError {
  return new NotConfiguredError(`There is no PostgreSQL pool named ${name}.`, {
    operation: 'connect',
    hint:
      known.length > 0
        ? `postgres.pools in puff.config.ts has: ${known.join(', ')}.`
        : 'Add it to postgres.pools in puff.config.ts.',
  });
}

function notConfigured(): NotConfiguredError {
  const isBuild = process.env.NEXT_PHASE === 'phase-production-build';
  return isBuild
    ? new NotConfiguredError('A page or route asked for the database during `next build`.', {
        operation: 'connect',
        hint: "Render it at request time (`await connection()` or `export const dynamic = 'force-dynamic'`), or set DATABASE_URL for the build.",
      })
    : new NotConfiguredError('No PostgreSQL is configured.', {
        operation: 'connect',
        hint: 'Set DATABASE_URL or postgres.url in puff.config.ts, or start with `npx next-puff dev`, `start` or `run`, which bring an embedded PostgreSQL.',
      });
}
