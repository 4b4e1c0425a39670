import { AsyncResource } from 'node:async_hooks';
import type {
  ConnectionInfo,
  IsolationLevel as PrismaIsolationLevel,
  Transaction as PrismaTransaction,
  SqlDriverAdapter,
  SqlQuery,
  SqlResultSet,
} from '@prisma/driver-adapter-utils';
import type { StatementResult } from '../boundary/completions.js';
import type { IsolationLevel } from '../context/request-context.js';
import { PuffError } from '../errors.js';
import { checkSavepointOptions, type Database } from '../postgres/database.js';
import type { Executor } from '../postgres/queryable.js';
import type { Transaction } from '../postgres/transaction.js';
import { adapterErrorOf } from './adapter-error.js';
import { parametersOf } from './arguments.js';
import { forbidIO } from './captures.js';
import { commitErrorOf } from './commit-error.js';
import { isLoanRequest, type Loan, lend } from './loans.js';
import { resultSetOf } from './result-set.js';

/** The name under which Prisma logs the adapter. */
export const ADAPTER_NAME = 'next-puff';

const PLAIN = { rowMode: 'plain' } as const;

async function asPrismaWants<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throwAdapterError(error);
  }
}

async function committed(commit: Promise<void>): Promise<void> {
  try {
    await commit;
  } catch (error) {
    throw await commitErrorOf(error);
  }
}

/** Runs Prisma's statements on an executor. */
abstract class Queryable {
  readonly provider = 'postgres';
  readonly adapterName = ADAPTER_NAME;

  abstract get executor(): Executor;

  // Without async functions: each would cost every query a promise more.

  queryRaw(query: SqlQuery): Promise<SqlResultSet> {
    return this.#run(query).then(resultSetOf, throwAdapterError);
  }

  executeRaw(query: SqlQuery): Promise<number> {
    return this.#run(query).then(rowCountOf, throwAdapterError);
  }

  #run(query: SqlQuery): Promise<StatementResult> {
    forbidIO();
    return this.executor.run(query.sql, parametersOf(query), PLAIN);
  }
}

function rowCountOf({ rowCount }: StatementResult): number {
  return rowCount;
}

function throwAdapterError(error: unknown): never {
  throw adapterErrorOf(error);
}

/** What an adapter is made from. */
export interface AdapterOptions {
  /** The pool to run on, looked up for every statement. */
  database: () => Database;
  /** The schema of tables that the Prisma schema gives none. */
  schema: string | undefined;
  /** Runs when Prisma disconnects. */
  dispose?: () => Promise<void>;
}

/** A pool as Prisma sees it. */
export class PuffAdapter extends Queryable implements SqlDriverAdapter {
  readonly #options: AdapterOptions;

  constructor(options: AdapterOptions) {
    super();
    this.#options = options;
  }

  override get executor(): Executor {
    return this.#options.database();
  }

  override async executeRaw(query: SqlQuery): Promise<number> {
    return isLoanRequest(query.sql) ? 0 : super.executeRaw(query);
  }

  async executeScript(script: string): Promise<void> {
    await asPrismaWants(this.executor.runScript(script, {}));
  }

  startTransaction(isolationLevel?: PrismaIsolationLevel): Promise<PrismaTransaction> {
    return asPrismaWants(this.#start(isolationLevel));
  }

  getConnectionInfo(): ConnectionInfo {
    const { schema } = this.#options;
    return { supportsRelationJoins: true, ...(schema !== undefined && { schemaName: schema }) };
  }

  async dispose(): Promise<void> {
    await this.#options.dispose?.();
  }

  async #start(isolationLevel: PrismaIsolationLevel | undefined): Promise<PrismaTransaction> {
    const database = this.#options.database();
    const options = isolationLevel === undefined ? {} : { isolation: isolation(isolationLevel) };
    const outer = await database.current();
    if (outer === undefined) return new OwnTransaction(database, await database.begin(options));
    checkSavepointOptions(options);
    return Savepoint.open(outer);
  }
}

function isolation(level: PrismaIsolationLevel): IsolationLevel {
  if (level === 'SNAPSHOT') {
    throw new PuffError(
      'PUFF_POSTGRES_TRANSACTION',
      'PostgreSQL has no isolation level SNAPSHOT.',
      {
        hint: 'RepeatableRead is what PostgreSQL calls it.',
        operation: 'transaction',
      },
    );
  }
  return level.toLowerCase() as IsolationLevel;
}

/** What Prisma's transactions have in common, wherever they end. */
abstract class OpenTransaction extends Queryable implements PrismaTransaction, Loan {
  /** Prisma leaves BEGIN, COMMIT and ROLLBACK to us. */
  readonly options = { usePhantomQuery: true };
  readonly transaction: Transaction;

  constructor(transaction: Transaction) {
    super();
    this.transaction = transaction;
  }

  override get executor(): Executor {
    return this.transaction;
  }

  override async executeRaw(query: SqlQuery): Promise<number> {
    if (!isLoanRequest(query.sql)) return super.executeRaw(query);
    lend(query.sql, this);
    return 0;
  }

  abstract within<T>(fn: () => T): T;
  abstract commit(): Promise<void>;
  abstract rollback(): Promise<void>;

  createSavepoint(name: string): Promise<void> {
    return this.#runScript(`SAVEPOINT ${name}`);
  }

  rollbackToSavepoint(name: string): Promise<void> {
    return this.#runScript(`ROLLBACK TO SAVEPOINT ${name}`);
  }

  releaseSavepoint(name: string): Promise<void> {
    return this.#runScript(`RELEASE SAVEPOINT ${name}`);
  }

  async #runScript(text: string): Promise<void> {
    await asPrismaWants(this.transaction.runScript(text, {}));
  }
}

/** A transaction on a connection of its own. */
class OwnTransaction extends OpenTransaction {
  readonly #database: Database;

  constructor(database: Database, transaction: Transaction) {
    super(transaction);
    this.#database = database;
  }

  within<T>(fn: () => T): T {
    return this.#database.within(this.transaction, fn);
  }

  async commit(): Promise<void> {
    await committed(this.transaction.commit());
  }

  rollback(): Promise<void> {
    return this.transaction.rollback();
  }
}

/** Thrown into a savepoint to undo it. */
const UNDO = new Error('rolled back');

/** A transaction of Prisma's inside one that is not Prisma's. */
class Savepoint extends OpenTransaction {
  /** Where statements are inside the savepoint, and savepoints inside of it. */
  readonly #inside: AsyncResource;
  readonly #end: (error?: Error) => void;
  readonly #ended: Promise<void>;

  private constructor(
    transaction: Transaction,
    inside: AsyncResource,
    end: (error?: Error) => void,
    ended: Promise<void>,
  ) {
    super(transaction);
    this.#inside = inside;
    this.#end = end;
    this.#ended = ended;
  }

  /** Opens a savepoint when those that were asked for before it are over. */
  static open(outer: Transaction): Promise<Savepoint> {
    return new Promise((resolve, reject) => {
      const ended = outer.savepoint(
        () =>
          new Promise<void>((release, undo) => {
            const inside = new AsyncResource('next-puff.prisma.savepoint');
            const end = (error?: Error) => (error === undefined ? release() : undo(error));
            resolve(new Savepoint(outer, inside, end, ended));
          }),
      );
      ended.catch(reject);
    });
  }

  within<T>(fn: () => T): T {
    return this.#inside.runInAsyncScope(fn);
  }

  async commit(): Promise<void> {
    this.#end();
    await committed(this.#ended);
  }

  async rollback(): Promise<void> {
    this.#end(UNDO);
    // What went wrong with undoing it comes out when the outer transaction ends.
    await this.#ended.catch(() => {});
  }
}
