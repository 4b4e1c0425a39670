import type { PoolStatus } from '../native.js';
import { Database, DEFAULT_POOL } from './database.js';
import { type Queryable, queryable } from './queryable.js';
import type { Transaction, TransactionOptions } from './transaction.js';

/** Statements inside a transaction. */
export interface PostgresTransaction extends Queryable {
  /**
   * Runs a function inside a savepoint: if it throws, what it did is undone, the error goes on to
   * the caller and the transaction can continue.
   */
  savepoint<T>(fn: (transaction: PostgresTransaction) => Promise<T>): Promise<T>;
}

/**
 * A pool of PostgreSQL connections, shared by the whole process; no connection is opened before the
 * first statement.
 */
export interface Postgres extends Queryable {
  /**
   * Runs a function in a transaction: it commits when the function returns and rolls back when it
   * throws. `postgres` itself, used inside the function, runs in the transaction too. Inside another
   * transaction it is a savepoint.
   */
  transaction<T>(
    fn: (transaction: PostgresTransaction) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>;
  /** Another pool, by its name in `postgres.pools` of `puff.config.ts`. */
  pool(name: string): Postgres;
  /** What the pool is doing. */
  status(): PoolStatus;
  /**
   * Closes the pool for the whole process, and with the default pool all others; resolves when what
   * was running has ended. Not needed for the process to end. The next use opens the pool anew.
   */
  end(): Promise<void>;
}

function statementsOf(transaction: Transaction): PostgresTransaction {
  const self: PostgresTransaction = Object.assign(queryable(transaction), {
    savepoint: <T>(fn: (transaction: PostgresTransaction) => Promise<T>) =>
      transaction.savepoint(() => fn(self)),
  });
  return self;
}

const pools = new Map<string, Postgres>();

function poolNamed(name: string): Postgres {
  let pool = pools.get(name);
  if (pool === undefined) {
    pool = makePool(name);
    pools.set(name, pool);
  }
  return pool;
}

function makePool(name: string): Postgres {
  const database = new Database(name);
  return Object.assign(queryable(database), {
    transaction: <T>(
      fn: (transaction: PostgresTransaction) => Promise<T>,
      options: TransactionOptions = {},
    ) => database.transaction((transaction) => fn(statementsOf(transaction)), options),
    pool: poolNamed,
    status: () => database.status(),
    end: async () => {
      await database.end();
      if (name !== DEFAULT_POOL) return;
      await Promise.all(
        [...pools.values()].filter((pool) => pool !== postgres).map((pool) => pool.end()),
      );
    },
  });
}

/**
 * The default pool: `DATABASE_URL`, or `postgres.url` in `puff.config.ts`.
 *
 * In a wrapped route handler or server action, statements end with the request: they are cancelled
 * when the client goes away or the deadline passes, and run in its transaction where it has one.
 */
export const postgres: Postgres = poolNamed(DEFAULT_POOL);
