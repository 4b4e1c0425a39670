import { DriverAdapterError, type MappedError } from '@prisma/driver-adapter-utils';
import {
  PoolTimeoutError,
  PostgresConnectionLostError,
  PostgresError,
  PostgresParameterError,
  PostgresRefusedError,
  PostgresUnavailableError,
} from '../errors.js';

/**
 * The error from which Prisma makes its own, with its own code (P2002, P1001, ...). What Prisma has no
 * word for stays what it is.
 */
export function adapterErrorOf(error: unknown): unknown {
  if (error instanceof PostgresError) {
    return new DriverAdapterError({
      originalCode: error.sqlState,
      originalMessage: messageOf(error),
      ...refusal(error),
    });
  }
  if (error instanceof PostgresParameterError) {
    const message = messageOf(error);
    return new DriverAdapterError(
      message.includes('out of range')
        ? {
            kind: 'ValueOutOfRange',
            cause: message,
            originalCode: '22003',
            originalMessage: message,
          }
        : { kind: 'InvalidInputValue', message, originalCode: '22P02', originalMessage: message },
    );
  }
  if (error instanceof PostgresUnavailableError) {
    const message = messageOf(error);
    return new DriverAdapterError({
      kind: 'DatabaseNotReachable',
      ...address(message),
      originalMessage: message,
    });
  }
  if (error instanceof PostgresRefusedError)
    return new DriverAdapterError(refusedConnection(error));
  if (error instanceof PostgresConnectionLostError) {
    return new DriverAdapterError({ kind: 'ConnectionClosed', originalMessage: messageOf(error) });
  }
  if (error instanceof PoolTimeoutError) return poolTimeout(error);
  return error;
}

/** The message without the hint, which Prisma would put into a line of its own. */
function messageOf({ message, hint }: { message: string; hint?: string }): string {
  return hint !== undefined && message.endsWith(`\n${hint}`)
    ? message.slice(0, -hint.length - 1)
    : message;
}

/** Prisma's reading of the SQLSTATEs that it knows (appendix A of the PostgreSQL manual). */
function refusal(error: PostgresError): MappedError {
  const message = messageOf(error);
  switch (error.sqlState) {
    case '22001':
      return { kind: 'LengthMismatch', ...column(error) };
    case '22003':
      return { kind: 'ValueOutOfRange', cause: message };
    case '22P02':
      return { kind: 'InvalidInputValue', message };
    case '23001':
      return { kind: 'RestrictViolation', ...constraint(error) };
    case '23502':
      return {
        kind: 'NullConstraintViolation',
        ...(error.column !== undefined && { constraint: { fields: [error.column] } }),
      };
    case '23503':
      return { kind: 'ForeignKeyConstraintViolation', ...constraint(error) };
    case '23505':
      return {
        kind: 'UniqueConstraintViolation',
        ...constraint(error, keyColumns(error.detail)),
        ...(error.table !== undefined && { table: error.table }),
      };
    case '28000':
      return { kind: 'DatabaseAccessDenied', ...database(message) };
    case '28P01':
      return { kind: 'AuthenticationFailed', ...user(message) };
    case '3D000':
      return { kind: 'DatabaseDoesNotExist', ...database(message) };
    case '40001':
    case '40P01':
      return { kind: 'TransactionWriteConflict' };
    case '42703':
      return { kind: 'ColumnNotFound', ...missingColumn(message) };
    case '42P01':
      return { kind: 'TableDoesNotExist', ...missingTable(message) };
    case '42P04':
      return { kind: 'DatabaseAlreadyExists', ...database(message) };
    case '53300':
      return { kind: 'TooManyConnections', cause: message };
    case '57014':
      // Ours to cancel are reported by their own errors; what is left is statement_timeout.
      return { kind: 'SocketTimeout' };
    case '57P01':
    case '57P02':
    case '57P03':
      return { kind: 'ConnectionClosed' };
    default:
      return {
        kind: 'postgres',
        code: error.sqlState,
        severity: error.severity ?? 'ERROR',
        message,
        detail: error.detail,
        column: error.column,
        hint: error.hint,
      };
  }
}

function column({ column }: PostgresError): { column?: string } {
  return column === undefined ? {} : { column };
}

interface Constraint {
  constraint?: { fields: string[] } | { index: string };
}

/** Fields where they are known, and the constraint's name for programs that look for it. */
function constraint({ constraint, column }: PostgresError, fields?: string[]): Constraint {
  const named = fields ?? (column === undefined ? undefined : [column]);
  if (named !== undefined) {
    return {
      constraint: {
        fields: named,
        ...(constraint !== undefined && { index: constraint }),
      },
    };
  }
  return constraint === undefined ? {} : { constraint: { index: constraint } };
}

/** The columns in `Key (email, "authorId")=(a, b) already exists.`; none for an expression's key. */
function keyColumns(detail: string | undefined): string[] | undefined {
  const key = /^Key \((.*?)\)=\(/s.exec(detail ?? '')?.[1];
  if (
    key === undefined ||
    !/^(?:[^"(),]+|"(?:[^"]|"")*")(?:, (?:[^"(),]+|"(?:[^"]|"")*"))*$/.test(key)
  ) {
    return undefined;
  }
  return [...key.matchAll(/"((?:[^"]|"")*)"|([^",\s][^",]*)/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? (bare as string),
  );
}

/** The first name in double quotes. */
function quoted(message: string): string | undefined {
  return /"((?:[^"]|"")*)"/.exec(message)?.[1];
}

function database(message: string): { db?: string } {
  const db = /database "([^"]*)"/.exec(message)?.[1];
  return db === undefined ? {} : { db };
}

function user(message: string): { user?: string } {
  const name = quoted(message);
  return name === undefined ? {} : { user: name };
}

function missingTable(message: string): { table?: string } {
  const table = quoted(message);
  return table === undefined ? {} : { table };
}

function missingColumn(message: string): { column?: string } {
  const name = /^column (.+?) (?:of relation .+ )?does not exist$/.exec(message)?.[1];
  if (name === undefined) return {};
  return { column: name.replace(/"((?:[^"]|"")*)"/g, (_, inner) => inner.replaceAll('""', '"')) };
}

/** The core names the server before its reason. */
function address(message: string): { host?: string; port?: number } {
  const [, host, port] = /PostgreSQL at (\S+):(\d+):/.exec(message) ?? [];
  return host === undefined ? {} : { host, port: Number(port) };
}

function refusedConnection(error: PostgresRefusedError): MappedError & { originalMessage: string } {
  const message = messageOf(error);
  const original = {
    originalMessage: message,
    ...(error.sqlState !== undefined && { originalCode: error.sqlState }),
  };
  switch (error.sqlState) {
    case '28P01':
      return { kind: 'AuthenticationFailed', ...user(message), ...original };
    case '3D000':
      return { kind: 'DatabaseDoesNotExist', ...database(message), ...original };
    case '53300':
      return { kind: 'TooManyConnections', cause: message, ...original };
    case '28000':
    case '42501':
      return { kind: 'DatabaseAccessDenied', ...database(message), ...original };
    default:
      return /\b(?:TLS|SSL|certificate)\b/i.test(message)
        ? { kind: 'TlsConnectionError', reason: message, ...original }
        : { kind: 'AuthenticationFailed', ...user(message), ...original };
  }
}

/**
 * Adapters have no kind for it; an error with a code of Prisma's becomes Prisma's.
 *
 * See P2024 in Prisma's error reference.
 */
function poolTimeout(error: PoolTimeoutError): Error {
  return Object.assign(
    new Error(`Timed out fetching a new connection from the connection pool. ${error.message}`),
    { code: 'P2024', meta: { retryAfterMs: error.retryAfterMs } },
  );
}
