import { isMainThread } from 'node:worker_threads';
import { calls } from '../boundary/calls.js';
import type { Completion } from '../boundary/completions.js';
import { currentContext } from '../context/request-context.js';
import { InternalError } from '../errors.js';
import { decodingFor } from './decoding.js';
import { errorOf } from './errors.js';
import type { Outcome, QueryConfig } from './query.js';
import { Result } from './result.js';
import type { TypeOverrides } from './type-overrides.js';
import { packValues } from './values.js';

/** Where a query runs: on any connection of a pool, or on a session's. */
export interface Target {
  pool: number;
  /** 0 for none. */
  session: number;
}

/** What a query runs with beside its own settings. */
export interface RunSettings {
  types: TypeOverrides;
  /** Milliseconds; 0 for none. */
  queryTimeout: number;
}

const NO_VALUES: readonly unknown[] = [];
const NO_SIGNALS: readonly AbortSignal[] = [];

/** The signal of the request that the calling code belongs to. */
export function requestSignals(): readonly AbortSignal[] {
  const context = currentContext();
  return context?.isActive ? [context.signal] : NO_SIGNALS;
}

/** Whether the core must be able to find a call again: a worker thread can be terminated. */
export function isCancellable(signals: readonly AbortSignal[]): boolean {
  return signals.length > 0 || !isMainThread;
}

/**
 * Runs a query and resolves with what it gave.
 *
 * Rejects with what node-postgres rejects with; the request's signal and the query's time limit cancel
 * it on the server too.
 */
export function runQuery(
  target: Target,
  query: QueryConfig,
  settings: RunSettings,
): Promise<Outcome> {
  const wrong = whatIsWrong(query);
  if (wrong !== undefined) return Promise.reject(new Error(wrong));
  const signals = requestSignals();
  const timeout = query.query_timeout || settings.queryTimeout;
  if (!timeout) return start(target, query, settings.types, signals);
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error('Query read timeout')), timeout);
  return start(target, query, settings.types, [...signals, limit.signal]).finally(() =>
    clearTimeout(timer),
  );
}

function whatIsWrong({ text, values, binary }: QueryConfig): string | undefined {
  if (typeof text !== 'string') {
    return 'A query must have either text or a name. Supplying neither is unsupported.';
  }
  if (values && !Array.isArray(values)) return 'Query values must be an array';
  if (binary) return 'next-puff/pg has no binary results: leave the option `binary` out.';
  return undefined;
}

function start(
  target: Target,
  query: QueryConfig,
  types: TypeOverrides,
  signals: readonly AbortSignal[],
): Promise<Outcome> {
  const { text = '' } = query;
  const values = query.values ?? NO_VALUES;
  const isExtended =
    values.length > 0 || Boolean(query.name) || query.queryMode === 'extended' || isKnown(text);
  return isExtended
    ? runExtended(target, query, text, values, types, signals)
    : runSimple(target, query, text, types, signals);
}

function runExtended(
  target: Target,
  query: QueryConfig,
  text: string,
  values: readonly unknown[],
  types: TypeOverrides,
  signals: readonly AbortSignal[],
): Promise<Outcome> {
  const source = (query.types as TypeOverrides | undefined) ?? types;
  const { rowMode } = query;
  const decoding = decodingFor(source);
  const decoderOf = rowMode === 'array' ? decoding.array : decoding.object;
  let params: Uint8Array;
  try {
    params = packValues(values);
  } catch (error) {
    return Promise.reject(error);
  }
  const answerOf = (completion: Completion): Outcome => {
    if (completion.kind !== 'result') throw unexpected(completion);
    return Result.of(completion.result, rowMode, source);
  };
  return calls().submit(
    (boundary, call) =>
      boundary.postgresQuery(
        call,
        target.pool,
        target.session,
        text,
        values.length,
        params,
        decoding.profile,
        isCancellable(signals),
      ),
    { signals, decoderOf, errorOf, answerOf },
  );
}

async function runSimple(
  target: Target,
  query: QueryConfig,
  text: string,
  types: TypeOverrides,
  signals: readonly AbortSignal[],
): Promise<Outcome> {
  const source = (query.types as TypeOverrides | undefined) ?? types;
  const { rowMode } = query;
  const decoding = decodingFor(source);
  const results: Result[] = [];
  await calls().submit(
    (boundary, call) =>
      boundary.postgresSimple(call, target.pool, target.session, text, isCancellable(signals)),
    {
      signals,
      decoderOf: rowMode === 'array' ? decoding.array : decoding.object,
      errorOf,
      onPartial: (completion) => {
        if (completion.kind !== 'result') return;
        results.push(Result.of(completion.result, rowMode, source));
      },
    },
  );
  // An empty text gives no result at all.
  return results.length === 1
    ? (results[0] as Result)
    : results.length > 1
      ? results
      : new Result();
}

function unexpected(completion: Completion): InternalError {
  return new InternalError(`The native core answered with ${completion.kind}.`);
}

/** Texts without values that were run before, least recently run first. */
const known = new Set<string>();
const MAX_KNOWN = 256;
const MAX_KNOWN_LENGTH = 4096;

/**
 * Whether a text without values is worth preparing: it is one statement and was run before.
 *
 * The first time it runs by the simple protocol, in one round trip, as with node-postgres; a text with
 * values in it will probably not come again.
 */
function isKnown(text: string): boolean {
  if (known.delete(text)) {
    known.add(text);
    return true;
  }
  if (text.length > MAX_KNOWN_LENGTH || hasSeveral(text)) return false;
  if (known.size >= MAX_KNOWN) known.delete(known.values().next().value as string);
  known.add(text);
  return false;
}

/** Whether there may be more than one statement: a semicolon that is not the end. */
function hasSeveral(text: string): boolean {
  const semicolon = text.indexOf(';');
  return semicolon >= 0 && /[^;\s]/.test(text.slice(semicolon));
}
