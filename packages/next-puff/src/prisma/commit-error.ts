import { isDriverAdapterError } from '@prisma/driver-adapter-utils';
import { adapterErrorOf } from './adapter-error.js';
import { SUPPORTED_VERSIONS } from './client-internals.js';
import { loadPrismaRuntime } from './prisma-runtime.js';

/** Prisma's codes of what can still go wrong at the end of a transaction. */
const CODES: Readonly<Record<string, string>> = {
  ConnectionClosed: 'P1017',
  ForeignKeyConstraintViolation: 'P2003',
  RestrictViolation: 'P2003',
  TransactionWriteConflict: 'P2034',
  UniqueConstraintViolation: 'P2002',
  postgres: 'P2039',
};

const CONFLICT =
  'Transaction failed due to a write conflict or a deadlock. Please retry your transaction';

/**
 * The error of a COMMIT that failed: serialization failures and deferred constraints are told only there.
 *
 * Prisma makes errors with its codes of those of statements, but hands on those of commits as they are.
 */
export async function commitErrorOf(error: unknown): Promise<unknown> {
  const adapterError = adapterErrorOf(error);
  if (!isDriverAdapterError(adapterError)) return adapterError;
  const { kind, originalMessage } = adapterError.cause;
  const code = CODES[kind];
  if (code === undefined) return adapterError;
  const { PrismaClientKnownRequestError } = await loadPrismaRuntime();
  const message = kind === 'TransactionWriteConflict' ? CONFLICT : originalMessage;
  return new PrismaClientKnownRequestError(message ?? adapterError.message, {
    code,
    clientVersion: SUPPORTED_VERSIONS.at(-1) as string,
    meta: { driverAdapterError: adapterError },
  });
}
