import { PuffError } from '../../errors.js';

const CODE = 'PUFF_PRISMA_NOT_SQL';

/**
 * A query that is not one statement whose rows are its result.
 *
 * @param what completes "This query ..."
 * @param instead what can be done about it
 */
export function refusal(what: string, instead: string): PuffError {
  return new PuffError(CODE, `This query ${what}.`, { operation: 'toSql', hint: instead });
}

/** Whether an error says that a query is none that `toSql` can turn into a statement. */
export function isRefusal(error: unknown): error is PuffError {
  return error instanceof PuffError && error.code === CODE;
}
