import { DatabaseError } from 'pg-protocol';
import type { Failure, ServerReport } from '../boundary/failures.js';
import { errorOfFailure } from '../boundary/failures.js';

/** The fields of a report that have the same name in the core and in node-postgres. */
const FIELDS = [
  'severity',
  'detail',
  'internalPosition',
  'internalQuery',
  'where',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const;

type Report = Record<string, string | number | undefined>;

/** A server's report with node-postgres' names; every field is there, if only as `undefined`. */
function fieldsOf(report: ServerReport): Report {
  const fields: Report = { code: report.sqlState, hint: report.hint ?? undefined };
  for (const name of FIELDS) fields[name] = report[name] ?? undefined;
  fields.position = report.position === undefined ? undefined : String(report.position);
  return fields;
}

/** Makes the error that node-postgres makes of an ErrorResponse. */
export function databaseError(report: ServerReport): DatabaseError {
  const error = new DatabaseError(report.message, Buffer.byteLength(report.message), 'error');
  return Object.assign(error, fieldsOf(report));
}

/** What listeners of `notice` get. */
export function noticeOf(report: ServerReport): Report & { message: string } {
  const { message } = report;
  return { length: Buffer.byteLength(message), name: 'notice', message, ...fieldsOf(report) };
}

/** An error with a code as Node's own have it; what the core said is its cause. */
function plainError(message: string, failure: Failure, code?: string): Error {
  const error = new Error(message, { cause: errorOfFailure(failure) });
  return code === undefined ? error : Object.assign(error, { code });
}

/** Makes the error that node-postgres makes in the same situation. */
export function errorOf(failure: Failure): Error {
  switch (failure.code) {
    case 'PUFF_POSTGRES_QUERY':
      return databaseError(failure as unknown as ServerReport);
    case 'PUFF_POSTGRES_POOL_TIMEOUT':
      return plainError('timeout exceeded when trying to connect', failure);
    case 'PUFF_POSTGRES_CONNECTION_LOST':
      return failure.server
        ? databaseError(failure.server)
        : plainError('Connection terminated unexpectedly', failure);
    case 'PUFF_POSTGRES_UNAVAILABLE':
    case 'PUFF_POSTGRES_REFUSED':
      return failure.server
        ? databaseError(failure.server)
        : plainError(failure.message, failure, failure.systemCode);
    case 'PUFF_POSTGRES_PARAMETER': {
      const [, expected, got] =
        /has (\d+) parameters, but (\d+) values/.exec(failure.message) ?? [];
      if (expected === undefined) return errorOfFailure(failure);
      // The core counts before it sends: the server would say this.
      return databaseError({
        message: `bind message supplies ${got} parameters, but prepared statement "" requires ${expected}`,
        severity: 'ERROR',
        sqlState: '08P01',
      });
    }
    default:
      return errorOfFailure(failure);
  }
}
