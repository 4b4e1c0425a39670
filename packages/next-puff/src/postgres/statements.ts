import { isMainThread } from 'node:worker_threads';
import { calls } from '../boundary/calls.js';
import type { Completion, StatementResult } from '../boundary/completions.js';
import type { RowMode } from '../boundary/rows.js';
import { InternalError } from '../errors.js';
import { packParams } from './params.js';

/** Columns become JavaScript values; see `Profile` in `types.rs`. */
const TYPED = 0;
const NO_EVENTS = 0;

/** Where a statement runs: on any connection of a pool, or on a session's. */
export interface Target {
  pool: number;
  /** 0 for none. */
  session: number;
}

/** How a statement runs. */
export interface RunOptions {
  signals?: readonly AbortSignal[] | undefined;
  rowMode?: RowMode | undefined;
}

/**
 * Whether the core has to be able to find the call again. A worker thread can be terminated, and what
 * it left running is cancelled then; with the main thread the whole process ends.
 */
function isCancellable({ signals = [] }: RunOptions): boolean {
  return signals.length > 0 || !isMainThread;
}

/** Runs one statement with parameters. */
export function runStatement(
  target: Target,
  text: string,
  values: readonly unknown[],
  options: RunOptions,
): Promise<StatementResult> {
  return calls().submit(
    (boundary, call) => {
      const params = packParams(values);
      boundary.postgresQuery(
        call,
        target.pool,
        target.session,
        text,
        values.length,
        params,
        TYPED,
        isCancellable(options),
      );
    },
    { signals: options.signals, rowMode: options.rowMode, answerOf: resultOf },
  );
}

/** Runs several statements in one text; the result is that of the last. */
export function runScript(
  target: Target,
  text: string,
  options: RunOptions = {},
): Promise<StatementResult> {
  return calls()
    .submit(
      (boundary, call) =>
        boundary.postgresScript(call, target.pool, target.session, text, isCancellable(options)),
      options,
    )
    .then(resultOf);
}

/** Checks a connection out of a pool, runs `begin` on it and resolves with the session's id. */
export async function beginSession(
  pool: number,
  begin: string,
  options: RunOptions,
): Promise<number> {
  const completion = await calls().submit(
    (boundary, call) =>
      boundary.postgresBegin(call, pool, begin, NO_EVENTS, isCancellable(options)),
    options,
  );
  if (completion.kind !== 'session') throw unexpected(completion);
  return completion.session;
}

/** Commits or rolls back the transaction that a session was checked out with. */
export function endTransaction(session: number, commits: boolean): Promise<StatementResult> {
  return calls()
    .submit((boundary, call) => boundary.postgresEnd(call, session, commits))
    .then(resultOf);
}

/** Gives a session's connection back; what is open on it is rolled back. */
export function releaseSession(session: number): void {
  calls().boundary.postgresRelease(session);
}

/** Opens a cursor and fetches its first rows. */
export function openCursor(
  session: number,
  cursor: number,
  text: string,
  values: readonly unknown[],
  maxRows: number,
  options: RunOptions,
): Promise<StatementResult> {
  return calls()
    .submit((boundary, call) => {
      const params = packParams(values);
      boundary.postgresOpenCursor(call, session, cursor, text, values.length, params, maxRows);
    }, options)
    .then(resultOf);
}

/** Fetches a cursor's next rows. */
export function fetchCursor(
  session: number,
  cursor: number,
  maxRows: number,
  options: RunOptions,
): Promise<StatementResult> {
  return calls()
    .submit(
      (boundary, call) => boundary.postgresFetchCursor(call, session, cursor, maxRows),
      options,
    )
    .then(resultOf);
}

/** Closes a cursor before its end. */
export async function closeCursor(session: number, cursor: number): Promise<void> {
  await calls().submit((boundary, call) => boundary.postgresCloseCursor(call, session, cursor));
}

/** Closes a pool; resolves when its last connection has ended. */
export async function closePool(pool: number): Promise<void> {
  await calls().submit((boundary, call) => boundary.postgresClosePool(call, pool));
}

/** Closes all pools of the process. */
export async function closePools(): Promise<void> {
  await calls().submit((boundary, call) => boundary.postgresClosePools(call));
}

function resultOf(completion: Completion): StatementResult {
  if (completion.kind !== 'result') throw unexpected(completion);
  return completion.result;
}

function unexpected(completion: Completion): InternalError {
  return new InternalError(`The native core answered with ${completion.kind}.`);
}
