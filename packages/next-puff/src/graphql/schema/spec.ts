/**
 * The form in which a schema goes to the engine: SDL, and how its fields are resolved, as JSON.
 *
 * `packages/core-native/crates/puff-graphql/src/schema/spec.rs` reads what is written here.
 */

/** What JSON can say. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** A whole schema. */
export interface SchemaSpec {
  /** The type system in the schema definition language. */
  sdl: string;
  /**
   * How fields are resolved, by coordinate (`Question.choices`). What is not here is read from the
   * parent: a column of the same name (or its snake_case form) of a row, a property of an object.
   */
  fields: { [coordinate: string]: FieldSpec };
  /** Where the events of the fields of the subscription type come from, by coordinate. */
  streams?: { [coordinate: string]: StreamSpec };
  /** What the engine allows and tells. */
  options: OptionsSpec;
}

/** Where the events of a subscription come from. */
export type StreamSpec =
  /** A channel whose name is put together of these parts. */
  | { kind: 'channel'; parts: ChannelPartSpec[] }
  /** Where JavaScript says, once per subscription. */
  | { kind: 'script' };

/** A part of a channel's name: the same for all subscriptions, or an argument. */
export type ChannelPartSpec = { text: string } | { arg: string[] };

/** What the engine allows and tells. */
export interface OptionsSpec {
  /** Whether `__schema` and `__type` may be asked for. */
  introspection: boolean;
  /** Whether failures that no resolver made public lose their message. */
  masksErrors: boolean;
  /** Whether `settings(context)` has to be asked before the first statement of an operation. */
  hasSettings: boolean;
  /** Whether a mutation runs in one transaction. */
  mutationTransaction: boolean;
  /** The bounds of an operation; the engine's defaults for what is not given. */
  limits: LimitsSpec;
}

/** The bounds of an operation; 0 means none. */
export interface LimitsSpec {
  /** Levels of nested selection sets; 15 by default. */
  depth?: number;
  /** Fields with an alias; 50 by default. */
  aliases?: number;
  /** Fields of the operation type; 30 by default. */
  rootFields?: number;
  /** The estimated number of fields in the answer: lists count as often as their page size; 1,000,000 by default. */
  cost?: number;
  /** The largest value of an argument named `first`, `last` or `limit`; 1,000 by default. */
  pageSize?: number;
  /** Lexical tokens of the document; 10,000 by default. */
  tokens?: number;
  /** Rows that one operation may fetch; 1,000,000 by default. */
  rows?: number;
  /** Milliseconds that an operation may take; 30,000 by default. */
  timeoutMs?: number;
}

/** How one field is resolved. */
export type FieldSpec =
  | ({ kind: 'column' } & ColumnSpec)
  | ({ kind: 'statement' } & StatementSpec)
  | ({ kind: 'layer' } & LayerSpec)
  | { kind: 'resolver' }
  | ({ kind: 'connection' } & ConnectionSpec);

/** A column of the parent's row. */
export interface ColumnSpec {
  /** Its name in the result. */
  column: string;
  /** For an enum: the names of GraphQL by the values of the database, where they differ. */
  enumNames?: { [value: string]: string };
}

/** A column of the parents and the column of a statement's rows that has the same value. */
export type JoinSpec = [parent: string, child: string];

/** A statement and how its rows belong to the parents. */
export interface StatementSpec {
  /** The SQL text, with `$1`, `$2`, ... for the parameters. */
  text: string;
  /** The parameters in order. */
  params: ParamSpec[];
  /** Which rows belong to which parents. Without any, every parent has all rows. */
  on?: JoinSpec[];
  /** Columns by field of the row's type, where they differ in more than snake_case. */
  columns?: { [field: string]: ColumnSpec };
  /** For a field of a leaf type: the column that holds its value. */
  value?: string;
  /** For a field of a leaf type: the value of a parent without a row. */
  default?: Json;
  /** Columns whose value is that of an argument: the layers below can start before the rows are here. */
  pins?: { [column: string]: string[] };
}

/** Where the value of a parameter comes from. */
export type ParamSpec =
  /** The distinct values that the parents have in a column, as one array. */
  | { parent: string }
  /** An argument, or what is in it. What is not given is NULL. */
  | { arg: ArgParamSpec }
  /** A value of the operation's context, by path. */
  | { context: string[] }
  /** What is in the event of a subscription, by path. */
  | { event: string[] }
  /** A constant: one value in the packed form of parameters, in base64. */
  | { packed: string }
  /** The n-th value of the cursor in an argument; NULL without one. */
  | { cursor: { arg: string; index: number } }
  /** One more than the page size. */
  | { limit: PageSizeSpec };

/** An argument as a parameter. */
export interface ArgParamSpec {
  /** The argument's name, then names of fields of input objects. */
  path: string[];
  /** For an enum: the values of the database by names of GraphQL, where they differ. */
  enumValues?: { [name: string]: string };
}

/** How many edges a connection has. */
export interface PageSizeSpec {
  /** Without `first` and `last`. */
  default: number;
  /** At most. */
  max: number;
}

/** A function of JavaScript that is called once for all parents. */
export interface LayerSpec {
  /** As in a statement, for the rows of the statement that the function returns. */
  on?: JoinSpec[];
  /** As in a statement. */
  value?: string;
  /** As in a statement. */
  default?: Json;
}

/** A Relay connection (GraphQL Cursor Connections Specification). */
export interface ConnectionSpec {
  /** The rows in order, from `after` on; one more than the page size. */
  forward: StatementSpec;
  /** The rows in reverse order, from `before` back; one more than the page size. */
  backward: StatementSpec;
  /** The columns that a cursor is made of. */
  cursor: string[];
  pageSize: PageSizeSpec;
  /** Counts all rows; its `value` is the field `totalCount`. */
  total?: StatementSpec;
}
