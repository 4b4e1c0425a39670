/**
 * What the engine asks of JavaScript, and what JavaScript answers.
 *
 * `packages/core-native/crates/puff-server/src/graphql/` writes the asks and reads the answers. An ask
 * may be answered in parts: each answer has some of its fields, until all are answered.
 */

import type { Transaction } from '../../postgres/transaction.js';

/** A value that is JSON already. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | JsonValue[]
  | { [key: string]: JsonValue };

/** A document; asks about the same text have the same object, so that a `WeakMap` can keep what is made of it. */
export interface AskedDocument {
  /** The text, as the client sent it. */
  readonly text: string;
}

/** The request of an operation. */
export interface OperationStart {
  document: AskedDocument;
  operationName: string | null;
  /** As the client sent them: not coerced. */
  variables: { [name: string]: JsonValue };
}

/** What all asks have. */
export interface AskBase {
  /** Names the ask in {@link AnswerAsk}. */
  ask: number;
  /** The operation that asks: the id of the call that started it. */
  operation: number;
  /** In the first ask of an operation. */
  start?: OperationStart;
  /**
   * The operation's transaction, where it has or may have one: a mutation, or a schema with settings.
   * It is begun by its first statement, and the engine ends it: run resolvers inside
   * `new Database(pool).within(transaction, fn)`. Every ask of an operation has the same object.
   */
  transaction: Transaction | undefined;
}

/** The objects whose fields are asked for. */
export type AskedParents =
  /** The operation itself: there is one parent, the root value. */
  | { root: true }
  /** Objects that are JSON: what was published on a channel, and what is in it. */
  | { json: JsonValue[] }
  /** Objects that JavaScript keeps under the number it gave, all of them in its order. */
  | { set: number; count: number }
  /** Rows of a statement; {@link FieldsAsk.rows} has them. */
  | { rows: number };

/** A field in an ask. */
export interface AskedField {
  /** Its place among the fields of the layer; answers name it. */
  index: number;
  /** The response key. */
  key: string;
  /** The field's name. */
  name: string;
  /** The coerced arguments, as JSON: enums by name, custom scalars as the client gave them. */
  args: { [name: string]: JsonValue };
  /**
   * Whether the raw property of that name is wanted, as a parameter of statements below, and not a field
   * that the document selects.
   */
  isProperty?: boolean;
}

/** Asks to resolve fields of one layer for all parents. */
export interface FieldsAsk extends AskBase {
  kind: 'fields';
  /** The layer's number in its plan. */
  layer: number;
  /** The object type of the parents. */
  type: string;
  /** Response keys from the operation to this layer, without indices. */
  path: string[];
  parents: AskedParents;
  /** The parents that are rows: typed values as `postgres` gives them, columns named as in SQL. */
  rows: Record<string, unknown>[];
  /** At least one. */
  fields: AskedField[];
}

/** Asks for the operation's context as JSON, for the parameters of static layers. */
export interface ContextAsk extends AskBase {
  kind: 'context';
}

/** Asks for the run-time parameters that the operation's transaction sets, before its first statement. */
export interface SettingsAsk extends AskBase {
  kind: 'settings';
}

/** Asks for the source of a subscription's events; its only field is that of the operation. */
export interface SubscribeAsk extends Omit<FieldsAsk, 'kind'> {
  kind: 'subscribe';
}

/** Asks for the next event of a subscription, which becomes the root value of its next execution. */
export interface NextAsk extends AskBase {
  kind: 'next';
}

/** Asks whether a client may connect. */
export interface ConnectAsk extends AskBase {
  kind: 'connect';
}

/** A question of the engine. */
export type Ask = FieldsAsk | ContextAsk | SettingsAsk | SubscribeAsk | NextAsk | ConnectAsk;

/** Takes the asks of an isolate; must not throw. */
export type AskHandler = (ask: Ask) => void;

/** An error below a field; masked already. */
export interface AnsweredError {
  /** The parent's number. */
  parent: number;
  /** Indices of lists inside the field. */
  path?: number[];
  message: string;
  extensions?: { [name: string]: JsonValue };
}

/** Why there is no answer. */
export interface AnsweredFailure {
  message: string;
  /** For `extensions.code`. */
  code?: string;
  extensions?: { [name: string]: JsonValue };
  /** Whether clients may see the message; otherwise it is masked, if the schema masks errors. */
  isPublic?: boolean;
}

/** Objects of one type that JavaScript keeps until the operation ends. */
export interface ObjectSet {
  type: string;
  /** Unique in the operation. */
  id: number;
  count: number;
}

/**
 * What is in one place of a composite field: nothing, the next object of the set with this index in
 * `sets`, or a list.
 */
export type Slot = null | number | Slot[];

/** A field's answer, for all parents. */
export type FieldAnswer =
  /** A leaf, or lists of leaves: a completed value per parent. */
  | { index: number; values: JsonValue[]; errors?: AnsweredError[] }
  /** Objects: a slot per parent. */
  | { index: number; slots: Slot[]; sets: ObjectSet[]; errors?: AnsweredError[] }
  /** A statement to run for all parents; {@link answeredStatement} makes it. */
  | { index: number; statement: AnsweredStatement }
  /** It failed as a whole. */
  | { index: number; failure: AnsweredFailure };

/** A statement with its values. */
export interface AnsweredStatement {
  sql: string;
  paramCount: number;
  /** The values in packed form (`params.rs`), in base64. */
  params: string;
  /** Columns by field, where they differ in more than snake_case. */
  columns?: { [field: string]: string };
}

/** What is answered to an ask. */
export type Answer =
  /** Some or all fields of a {@link FieldsAsk}. */
  | { fields: FieldAnswer[] }
  /** To a {@link ContextAsk}. */
  | { context: JsonValue }
  /** To a {@link SettingsAsk}: values by name, for example `{ 'app.user_id': '7' }`. */
  | { settings: { [name: string]: string } }
  /** To a {@link SubscribeAsk}: the name of a channel, or none if JavaScript is asked for each event. */
  | { stream: { channel?: string } }
  /** To a {@link NextAsk}: whether there is one. */
  | { event: boolean }
  /** To a {@link ConnectAsk}. */
  | { connection: true }
  /** To any: what was not answered yet has failed. */
  | { failure: AnsweredFailure };

/** Answers an ask; one of an operation that is over is left alone. */
export type AnswerAsk = (ask: number, answer: Answer) => void;

/** A GraphQL request. */
export interface NativeRequest {
  query: string;
  operationName?: string | null | undefined;
  /** Anything that `JSON.stringify` takes. */
  variables?: { readonly [name: string]: unknown } | null | undefined;
  /** Whether the layer tree goes into the response's extensions. */
  isExplained?: boolean;
}
