import { DriverAdapterError, type MappedError } from '@prisma/driver-adapter-utils';
import {
  PostgresConnectionLostError,
  PostgresError,
  PostgresRefusedError,
  PostgresUnavailableError,
} from '../../errors.js';
import type { DatabaseUrl } from './database-url.js';

/** An error of our driver in the terms of the schema engine; any other stays what it is. */
export function driverError(error: unknown, url: DatabaseUrl): unknown {
  const mapped = map(error, url);
  return mapped === undefined ? error : new DriverAdapterError(mapped);
}

function map(error: unknown, url: DatabaseUrl): MappedError | undefined {
  if (error instanceof PostgresError) {
    // So the engine learns that its own table is not there.
    if (error.sqlState === '42P01') {
      const [, table = ''] = /"(.*)"/.exec(error.message) ?? [];
      return { kind: 'TableDoesNotExist', table };
    }
    return {
      kind: 'postgres',
      code: error.sqlState,
      severity: error.severity ?? 'ERROR',
      message: error.message,
      detail: error.detail,
      column: error.column,
      hint: error.hint,
    };
  }
  if (error instanceof PostgresUnavailableError) {
    const { host, port } = url;
    return { kind: 'DatabaseNotReachable', host, port };
  }
  if (error instanceof PostgresConnectionLostError) return { kind: 'ConnectionClosed' };
  if (!(error instanceof PostgresRefusedError)) return undefined;
  switch (error.sqlState) {
    case '3D000':
      return { kind: 'DatabaseDoesNotExist', db: url.database };
    case '28P01':
      return { kind: 'AuthenticationFailed', user: url.user };
    case '28000':
    case '42501':
      return { kind: 'DatabaseAccessDenied', db: url.database };
    case '53300':
      return { kind: 'TooManyConnections', cause: error.message };
    default:
      return { kind: 'TlsConnectionError', reason: error.message };
  }
}
