import { SUPPORTED_VERSIONS } from '../client-internals.js';
import type { PrismaRuntime } from '../prisma-runtime.js';
import { fillIn, fillInAll, type PlaceholderValues, type QueryShape } from './query-shape.js';
import { type RowMapping, RowReader } from './row-mapping.js';

/** The rows that `postgres.query` gave for a statement, or what `postgres.execute` did. */
export type StatementOutcome = readonly object[] | { readonly rowCount: number };

/** A Prisma query as SQL. */
export interface PrismaStatement<T> {
  /** The statement, with `$1`, `$2`, ... for its parameters; the same text for the same shape. */
  readonly sql: string;
  /** The values of the parameters; a {@link Placeholder} for each `param()`. */
  readonly params: readonly unknown[];
  /** How rows are the result; plain data. Nothing for SQL that was written by hand. */
  readonly mapping: RowMapping | undefined;
  /**
   * The parameters with values for the placeholders.
   *
   * @throws {PuffError} `PUFF_PRISMA_PARAM` when a placeholder has no value
   */
  bind(values: PlaceholderValues): unknown[];
  /**
   * What awaiting the query would have given for these rows.
   *
   * @throws {PrismaClientKnownRequestError} P2025 where Prisma throws it: no row, and one is required
   */
  read(outcome: StatementOutcome): T;
}

/** A statement that came from a query of a client. */
export class CapturedStatement<T> implements PrismaStatement<T> {
  /** What the statement has in common with those of the same query with other values. */
  readonly shape: QueryShape;
  readonly #values: PlaceholderValues;
  readonly #unpack: ((result: unknown) => unknown) | undefined;
  readonly #runtime: PrismaRuntime;
  #params: unknown[] | undefined;

  /**
   * @param unpack what the client's method takes out of the result, as `count` does
   * @param runtime the copy of Prisma that the client is of
   */
  constructor(
    shape: QueryShape,
    values: PlaceholderValues,
    unpack: ((result: unknown) => unknown) | undefined,
    runtime: PrismaRuntime,
  ) {
    this.shape = shape;
    this.#values = values;
    this.#unpack = unpack;
    this.#runtime = runtime;
  }

  get sql(): string {
    return this.shape.sql;
  }

  get params(): readonly unknown[] {
    this.#params ??= fillIn(this.shape, this.#values);
    return this.#params;
  }

  get mapping(): RowMapping {
    return this.shape.mapping;
  }

  bind(values: PlaceholderValues): unknown[] {
    return fillInAll(this.shape, this.#values, values);
  }

  read(outcome: StatementOutcome): T {
    const result = resultOf(outcome, this.mapping, this.#runtime);
    return (this.#unpack === undefined ? result : this.#unpack(result)) as T;
  }
}

function resultOf(
  outcome: StatementOutcome,
  { result, fields }: RowMapping,
  { Decimal, PrismaClientKnownRequestError }: PrismaRuntime,
): unknown {
  if (result === 'count') {
    if ('rowCount' in outcome) return { count: outcome.rowCount };
    throw new TypeError('This statement returns no rows: run it with postgres.execute().');
  }
  const rows = outcome as readonly Readonly<Record<string, unknown>>[];
  const reader = new RowReader((digits) => new Decimal(digits));
  if (result === 'many') return rows.map((row) => reader.read(row, fields));
  const [row] = rows;
  if (row !== undefined) return reader.read(row, fields);
  if (result === 'first') return null;
  throw new PrismaClientKnownRequestError(
    'An operation failed because it depends on one or more records that were required but not found. No record was found for a query.',
    { code: 'P2025', clientVersion: SUPPORTED_VERSIONS.at(-1) as string },
  );
}

/** SQL that was written by hand: `Prisma.sql` and TypedSQL. */
export class WrittenStatement<T> implements PrismaStatement<T> {
  readonly mapping = undefined;
  readonly sql: string;
  readonly params: readonly unknown[];

  constructor(sql: string, values: readonly unknown[]) {
    this.sql = sql;
    this.params = values.map((value) => (isDecimal(value) ? String(value) : value));
  }

  bind(): unknown[] {
    return [...this.params];
  }

  read(outcome: StatementOutcome): T {
    return outcome as T;
  }
}

/** Also one of another copy of Prisma. */
function isDecimal(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Decimal]';
}
