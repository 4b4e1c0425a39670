import type { Sql } from '../../postgres/sql.js';
import type { UnawaitedQuery } from '../../prisma/sql/to-sql.js';
import type { Json } from './spec.js';
import type { SubscriptionField } from './subscribe.js';

/** The key of a field's `extensions` that holds what resolves it. */
export const EXTENSION = 'puff';

/** Says of a source what kind it is. */
export const KIND = Symbol.for('next-puff.graphql.field-source');

/** What all parents have in their columns: `parents.id` is an array of all ids. */
export type ParentColumns<Parent> = { readonly [Column in keyof Parent]: Parent[Column][] };

/** What symbols of values look like: all of them are there, and none is null. */
export type Symbolic<Value> = Value extends Primitive | Date | readonly unknown[]
  ? Value
  : Value extends object
    ? { readonly [Name in keyof Value]-?: Symbolic<NonNullable<Value[Name]>> }
    : Value;

type Primitive = string | number | boolean | bigint | symbol | null | undefined;

/**
 * What stands for the values of a request while a static layer is called: each can be put into `sql`
 * or into a Prisma query, and nothing else.
 */
export interface StaticSymbols<Args, Parent, Context> {
  /** Stands for the arguments; `args.filter.name` for what is in an input object. */
  readonly args: Symbolic<Args>;
  /** Stands for the distinct values that the parents have in a column, as an array without nulls. */
  readonly parents: { readonly [Column in keyof Parent]: NonNullable<Parent[Column]>[] };
  /** Stands for what the schema's `context` returns; what is used of it must be JSON. */
  readonly context: Symbolic<Context>;
  /** Stands for the event, in the `resolve` of a subscription; what is used of it must be JSON. */
  readonly event: { readonly [name: string]: never };
}

/** What a layer is called with. */
export interface LayerCall<Args, Parent, Context> {
  /** The columns of the parents, each with one value per parent, in their order. */
  readonly parents: ParentColumns<Parent>;
  /** The arguments, coerced. */
  readonly args: Args;
  /** What the schema's `context` returned; the same object for all calls of an operation. */
  readonly context: Context;
  /** What is known about the call. */
  readonly info: LayerInfo;
  /** Kept for the operation, and shared by all its layers. */
  readonly cache: Map<unknown, unknown>;
}

/** What is known about the call of a layer. */
export interface LayerInfo {
  /** `Question.choices`. */
  readonly coordinate: string;
  /** Response keys from the operation to the field, without indices. */
  readonly path: readonly string[];
  /** How many parents there are; 1 for a field of the operation type. */
  readonly parentCount: number;
}

/**
 * What a layer returns: a statement, whose rows the engine fetches, joins to the parents and writes;
 * a value per parent, in their order, where an `Error` is that parent's error; or, with `on`, rows of any
 * number, which are joined to the parents like those of a statement.
 */
export type LayerResult<Result> =
  | Sql
  | UnawaitedQuery<unknown>
  | readonly (Result | Error)[]
  | readonly object[];

/** How the rows of a layer's statement belong to the parents. */
export interface JoinOptions {
  /**
   * Columns of the statement's rows by columns of the parents: `{ id: 'question_id' }`. A field below
   * the operation needs it when its statement gives rows for several parents; `{}` says that every
   * parent has all rows.
   */
  readonly on?: Readonly<Record<string, string>>;
}

/** The options of a layer. */
export interface LayerOptions extends JoinOptions {
  /** For a field of a scalar or an enum: the column with its value, if its name does not tell. */
  readonly value?: string;
  /** For a field of a scalar or an enum: the value of a parent without a row; `null` if not given. */
  readonly default?: Json;
}

/** The options of a static layer. */
export interface StaticLayerOptions extends LayerOptions {
  /**
   * Columns whose value is that of an argument, as in `{ id: 'id' }` for `where id = ${args.id}`: what
   * is below can then be fetched at the same time. `filter.id` is the field `id` of an input object.
   */
  readonly pins?: Readonly<Record<string, string>>;
}

/** A field whose statement is known from the start; see `layer.static`. */
export class StaticLayer<Args = never, Parent = never, Context = never> {
  readonly [KIND] = 'static';
  readonly statement: (
    symbols: StaticSymbols<Args, Parent, Context>,
  ) => Sql | UnawaitedQuery<unknown>;
  readonly options: StaticLayerOptions;

  constructor(
    statement: (symbols: StaticSymbols<Args, Parent, Context>) => Sql | UnawaitedQuery<unknown>,
    options: StaticLayerOptions,
  ) {
    this.statement = statement;
    this.options = options;
  }
}

/** A field that a function resolves once for all parents; see `layer`. */
export class DynamicLayer<Args = never, Parent = never, Context = never, Result = unknown> {
  readonly [KIND] = 'layer';
  readonly resolve: (
    call: LayerCall<Args, Parent, Context>,
  ) => LayerResult<Result> | Promise<LayerResult<Result>>;
  readonly options: LayerOptions;

  constructor(
    resolve: (
      call: LayerCall<Args, Parent, Context>,
    ) => LayerResult<Result> | Promise<LayerResult<Result>>,
    options: LayerOptions,
  ) {
    this.resolve = resolve;
    this.options = options;
  }
}

/** A field that is read from a column of another name; see `column`. */
export class ColumnField {
  readonly [KIND] = 'column';
  readonly column: string;

  constructor(column: string) {
    this.column = column;
  }
}

/** Reads a field from a column of its parent's row that is not called like it. */
export function column(name: string): ColumnField {
  return new ColumnField(name);
}

/** A Relay connection; see `connection`. */
export class ConnectionField<Args = never, Parent = never, Context = never> {
  readonly [KIND] = 'connection';
  readonly options: ConnectionOptions<Args, Parent, Context>;

  constructor(options: ConnectionOptions<Args, Parent, Context>) {
    this.options = options;
  }
}

/** A column by which a connection is ordered. */
export interface OrderKey {
  readonly column: string;
  /** `asc` if not given. */
  readonly direction?: 'asc' | 'desc';
}

/** What the rows of a connection are made of. */
export interface ConnectionSymbols<Args, Parent, Context>
  extends StaticSymbols<Args, Parent, Context> {
  /** With `perParent`: stands for the column of one parent. */
  readonly parent: Sql;
}

/** The options of a connection. */
export interface ConnectionOptions<Args, Parent, Context> {
  /** All rows, without order and limit; called once at the start like a static layer. */
  readonly rows: (symbols: ConnectionSymbols<Args, Parent, Context>) => Sql;
  /**
   * The order, by columns of the rows: names, or `{ column, direction }`. Together they must be unique
   * and not null: end with the key.
   */
  readonly orderBy: readonly (string | OrderKey)[];
  /** Edges without `first` and `last` (20 if not given), and at most (100 if not given). */
  readonly pageSize?: { readonly default?: number; readonly max?: number };
  /**
   * For a field below the operation: a page for each parent. `column` of the parents is what `parent`
   * stands for in `rows`, `type` its PostgreSQL type, for example `int4`.
   */
  readonly perParent?: { readonly column: keyof Parent & string; readonly type: string };
}

/** Whatever resolves a field. */
export type FieldSource =
  | StaticLayer<never, never, never>
  | DynamicLayer<never, never, never, unknown>
  | ColumnField
  | ConnectionField<never, never, never>
  | SubscriptionField<never, never, unknown>;

/** Whether a value resolves a field, also one of another copy of this module. */
export function isFieldSource(value: unknown): value is FieldSource {
  return typeof value === 'object' && value !== null && KIND in value;
}

/** What kind of source it is. */
export function kindOf(
  source: FieldSource,
): 'static' | 'layer' | 'column' | 'connection' | 'subscription' {
  return source[KIND];
}
