import { types } from 'node:util';
import {
  InternalError,
  NotConfiguredError,
  PoolTimeoutError,
  PostgresClosedError,
  PostgresConnectionLostError,
  PostgresError,
  PostgresParameterError,
  PostgresRefusedError,
  PostgresUnavailableError,
  PuffError,
  type PuffErrorOptions,
} from '../errors.js';

/** A server's report inside a failure or an event; its fields are named as node-postgres names them. */
export interface ServerReport {
  message: string;
  hint?: string | null;
  sqlState?: string;
  severity?: string;
  position?: number;
  [field: string]: string | number | null | undefined;
}

/** An error as the native core sends it; `failure.rs` writes it. */
export interface Failure {
  code: string;
  message: string;
  hint?: string;
  retryAfterMs?: number;
  sqlState?: string;
  /** The operating system's name for why a server cannot be reached, for example `ECONNREFUSED`. */
  systemCode?: string;
  /** What the server said, where it refused or ended a connection. */
  server?: ServerReport;
}

type Maker = (failure: Failure, options: PuffErrorOptions) => PuffError;

const makers: Record<string, Maker> = {
  PUFF_POSTGRES_QUERY: ({ message, code: _code, hint: _hint, sqlState = '', ...fields }, options) =>
    new PostgresError(message, { ...fields, sqlState }, options),
  PUFF_POSTGRES_UNAVAILABLE: ({ message, retryAfterMs = 1000 }, options) =>
    new PostgresUnavailableError(message, { ...options, retryAfterMs }),
  PUFF_POSTGRES_REFUSED: ({ message, sqlState }, options) =>
    new PostgresRefusedError(message, sqlState === undefined ? options : { ...options, sqlState }),
  PUFF_POSTGRES_POOL_TIMEOUT: ({ message, retryAfterMs = 1000 }, options) =>
    new PoolTimeoutError(message, { ...options, retryAfterMs }),
  PUFF_POSTGRES_PARAMETER: ({ message }, options) => new PostgresParameterError(message, options),
  PUFF_POSTGRES_CONNECTION_LOST: ({ message }, options) =>
    new PostgresConnectionLostError(message, options),
  PUFF_POSTGRES_CLOSED: ({ message }, options) => new PostgresClosedError(message, options),
  PUFF_POSTGRES_NOT_CONFIGURED: ({ message }, options) => new NotConfiguredError(message, options),
  PUFF_POSTGRES_PROTOCOL: ({ message }, options) => new InternalError(message, options),
};

/**
 * Makes the error class of what a native function threw: its message begins with the code. What is
 * an error of ours already, for example of packing parameters, stays.
 */
export function errorOfThrown(thrown: unknown): PuffError {
  if (thrown instanceof PuffError) return thrown;
  // Not instanceof: the core makes errors of the main realm, also for other ones (as under Jest).
  const text = types.isNativeError(thrown) ? thrown.message : String(thrown);
  const [, code, message] = /^(PUFF_[A-Z_]+): (.*)$/s.exec(text) ?? [];
  if (code === undefined || message === undefined) {
    return new InternalError(`The native core failed: ${text}`, { cause: thrown });
  }
  return errorOfFailure({ code, message });
}

/** Makes the error class of a failure. */
export function errorOfFailure(failure: Failure): PuffError {
  const options = { hint: failure.hint };
  const maker = makers[failure.code];
  return maker ? maker(failure, options) : new PuffError(failure.code, failure.message, options);
}
