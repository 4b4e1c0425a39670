import { EventEmitter } from 'node:events';
import type { Result } from './result.js';
import type { TypeSource } from './type-overrides.js';

/** What a query gives: several results for several statements in one text. */
export type Outcome = Result | Result[];

/** Takes what a query gives, or why it failed. */
export type QueryCallback = (error: Error | null, result?: Outcome) => void;

/** A query with all that can be said of it. */
export interface QueryConfig {
  text?: string | undefined;
  values?: readonly unknown[] | undefined;
  name?: string | undefined;
  rowMode?: string | undefined;
  types?: TypeSource | undefined;
  binary?: boolean | undefined;
  queryMode?: string | undefined;
  query_timeout?: number | undefined;
  callback?: QueryCallback | undefined;
}

/** Something that speaks the protocol itself once the connection is its own. */
export interface Submittable {
  submit(connection: unknown): unknown;
  callback?: QueryCallback | undefined;
}

type Values = readonly unknown[] | QueryCallback | null | undefined;

/** Brings the many ways of writing a query into one form; changes nothing that the caller gave. */
export function normalizeQuery(
  config: string | QueryConfig,
  values?: Values,
  callback?: QueryCallback,
): QueryConfig {
  const query: QueryConfig =
    typeof config === 'string'
      ? { text: config }
      : {
          text: config.text,
          values: config.values,
          name: config.name,
          rowMode: config.rowMode,
          types: config.types,
          binary: config.binary,
          queryMode: config.queryMode,
          query_timeout: config.query_timeout,
          callback: config.callback,
        };
  if (typeof values === 'function') query.callback = values;
  else if (values) query.values = values;
  if (callback) query.callback = callback;
  return query;
}

/**
 * A query that reports by events: `row` for each row, then `end`, or `error`. It is given to a client's
 * `query`. The rows arrive together, when the statement has ended; for large results take pg-cursor or
 * pg-query-stream.
 */
export class Query extends EventEmitter implements QueryConfig {
  text: string | undefined;
  values: readonly unknown[] | undefined;
  name: string | undefined;
  types: TypeSource | undefined;
  binary: boolean | undefined;
  queryMode: string | undefined;
  rowMode: string | undefined;
  query_timeout: number | undefined;
  callback: QueryCallback | undefined;

  constructor(config: string | QueryConfig, values?: Values, callback?: QueryCallback) {
    super();
    const query = normalizeQuery(config, values, callback);
    this.text = query.text;
    this.values = query.values;
    this.name = query.name;
    this.types = query.types;
    this.binary = query.binary;
    this.queryMode = query.queryMode;
    this.rowMode = query.rowMode;
    this.query_timeout = query.query_timeout;
    this.callback = query.callback;
  }

  /** Reports what it gave. */
  handleResult(outcome: Outcome): void {
    const collects = this.callback !== undefined || this.listenerCount('row') === 0;
    for (const result of [outcome].flat()) {
      const { rows } = result;
      if (!collects) result.rows = [];
      for (const row of rows) this.emit('row', row, result);
    }
    this.callback?.(null, outcome);
    this.emit('end', outcome);
  }

  /** Reports why it failed. */
  handleError(error: Error): void {
    if (this.callback) this.callback(error);
    else this.emit('error', error);
  }
}
