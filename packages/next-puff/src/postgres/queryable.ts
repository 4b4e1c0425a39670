import type { StatementResult } from '../boundary/completions.js';
import type { RowMode } from '../boundary/rows.js';
import { PuffError } from '../errors.js';
import { isSql, type Sql, sql } from './sql.js';

/** A row when nobody said what it is. */
export type Row = Record<string, unknown>;

/** How one statement runs. */
export interface QueryOptions {
  /**
   * Aborting it rejects with its reason at once; the statement is cancelled in PostgreSQL. Inside a
   * request context the request's own signal counts too.
   */
  signal?: AbortSignal;
  /** `'array'` for rows as arrays in column order; objects by column name otherwise. */
  rowMode?: Exclude<RowMode, 'plain'>;
}

/** How an executor runs one statement. */
export interface ExecutorOptions extends Omit<QueryOptions, 'rowMode'> {
  rowMode?: RowMode;
}

/** How a result is streamed. */
export interface StreamOptions extends QueryOptions {
  /** Rows per batch; default 1,000. */
  batchSize?: number;
}

/** What a statement did. */
export interface ExecuteResult {
  /** Rows selected or changed. */
  rowCount: number;
  /** The command, for example `UPDATE` or `CREATE TABLE`. */
  command: string;
}

/** What runs statements: a pool or a transaction. */
export interface Executor {
  run(text: string, values: readonly unknown[], options: ExecutorOptions): Promise<StatementResult>;
  runScript(text: string, options: QueryOptions): Promise<StatementResult>;
  stream(
    text: string,
    values: readonly unknown[],
    options: StreamOptions,
  ): AsyncGenerator<unknown[], void, void>;
}

/**
 * Runs SQL; the same on a pool and in a transaction.
 *
 * A statement is given as a `sql` template, or as text with `$1`, `$2`, ... and an array of values.
 * Types: `int2`, `int4`, `float4`, `float8`, `oid` become `number`; `int8` a `string` unless the pool
 * says otherwise; `bool` a `boolean`; `timestamp` and `timestamptz` a `Date` (±Infinity a number);
 * `json` and `jsonb` what they hold; `bytea` a `Buffer`; arrays of these arrays; all else, `numeric`
 * and `date` among them, the text that PostgreSQL prints.
 *
 * All reject with `PostgresError` when PostgreSQL refuses the statement, `PostgresParameterError` for
 * a value that does not fit, `PostgresUnavailableError`, `PostgresRefusedError`, `PoolTimeoutError`
 * and `PostgresConnectionLostError` as their names say.
 */
export interface Queryable {
  /** `` await postgres`select ...` `` runs the template and resolves with its rows. */
  <T = Row>(strings: TemplateStringsArray, ...values: unknown[]): Promise<T[]>;
  /** Resolves with the rows. */
  query<T = Row>(statement: Sql, options?: QueryOptions): Promise<T[]>;
  query<T = Row>(text: string, values?: readonly unknown[], options?: QueryOptions): Promise<T[]>;
  /** Resolves with the first row, or `undefined` when there is none. */
  first<T = Row>(statement: Sql, options?: QueryOptions): Promise<T | undefined>;
  first<T = Row>(
    text: string,
    values?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<T | undefined>;
  /** Resolves with how many rows were changed and by what command. */
  execute(statement: Sql, options?: QueryOptions): Promise<ExecuteResult>;
  execute(
    text: string,
    values?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<ExecuteResult>;
  /**
   * Runs several statements in one text, without parameters; their rows are dropped. Outside of a
   * transaction they are one: all take effect or none, unless the text has its own BEGIN and COMMIT.
   */
  script(text: string, options?: QueryOptions): Promise<void>;
  /**
   * Reads a large result in batches; at most two are in memory. It holds a connection until it ends.
   * On a pool, a statement that changes rows takes effect only if it is read to the end.
   */
  stream<T = Row>(statement: Sql, options?: StreamOptions): AsyncGenerator<T[], void, void>;
  stream<T = Row>(
    text: string,
    values?: readonly unknown[],
    options?: StreamOptions,
  ): AsyncGenerator<T[], void, void>;
}

type Given<O> = [statement: Sql | string, valuesOrOptions?: readonly unknown[] | O, options?: O];

interface Statement<O> {
  text: string;
  values: readonly unknown[];
  options: O;
}

const NO_VALUES: readonly unknown[] = [];

function read<O extends QueryOptions>([statement, second, third]: Given<O>): Statement<O> {
  if (isSql(statement)) {
    return { text: statement.text, values: statement.values, options: (second ?? {}) as O };
  }
  if (typeof statement !== 'string') {
    throw new TypeError('A statement is a sql`...` template or a string of SQL.');
  }
  return {
    text: statement,
    values: (second as readonly unknown[] | undefined) ?? NO_VALUES,
    options: third ?? ({} as O),
  };
}

/**
 * Lets the stack of an error begin with who called `asked`: errors are made where answers are
 * drained, which tells nobody anything.
 */
export function blameCaller(error: unknown, asked: (...given: never[]) => unknown): unknown {
  if (error instanceof PuffError) Error.captureStackTrace(error, asked);
  return error;
}

/** The methods of {@link Queryable} on an executor. */
export function queryable(executor: Executor): Queryable {
  const run = async (...given: Given<QueryOptions>) => {
    const { text, values, options } = read(given);
    try {
      return await executor.run(text, values, options);
    } catch (error) {
      throw blameCaller(error, run);
    }
  };
  const script = async (text: string, options: QueryOptions = {}) => {
    try {
      await executor.runScript(text, options);
    } catch (error) {
      throw blameCaller(error, script);
    }
  };
  async function* stream(...given: Given<StreamOptions>) {
    const { text, values, options } = read(given);
    try {
      yield* executor.stream(text, values, options);
    } catch (error) {
      throw blameCaller(error, stream);
    }
  }
  const tag = (strings: TemplateStringsArray, ...values: unknown[]) =>
    methods.query(sql(strings, ...values));
  const methods = {
    query: async (...given: Given<QueryOptions>) => (await run(...given)).rows,
    first: async (...given: Given<QueryOptions>) => (await run(...given)).rows[0],
    execute: async (...given: Given<QueryOptions>): Promise<ExecuteResult> => {
      const { rowCount, command } = await run(...given);
      return { rowCount, command };
    },
    script,
    stream,
  };
  return Object.assign(tag, methods) as Queryable;
}
