import type { IsolationLevel, RequestContextOptions } from '../context/index.js';
import { PuffError } from '../errors.js';

/** How one route handler or server action runs; what is left out comes from `puff.config.ts`. */
export interface HandlerOptions {
  /** Longest run in milliseconds; 0 means no deadline. */
  deadlineMs?: number;
  /**
   * Whether all queries of the handler run in one transaction, rolled back when it throws. A
   * redirect commits.
   */
  transaction?: boolean | { isolation?: IsolationLevel };
}

/** The options in the form that a request context takes, without those that were left out. */
export type NormalizedOptions = Partial<Pick<RequestContextOptions, 'deadlineMs' | 'transaction'>>;

/**
 * Checks and normalizes options.
 *
 * @throws PuffError (`PUFF_HANDLER_OPTIONS`) for a deadline that no timer can keep
 */
export function normalizeOptions(options: HandlerOptions, wrapper: string): NormalizedOptions {
  const normalized: NormalizedOptions = {};
  const { deadlineMs, transaction } = options;
  if (deadlineMs !== undefined) {
    if (!Number.isSafeInteger(deadlineMs) || deadlineMs < 0 || deadlineMs > 2_147_483_647) {
      throw new PuffError(
        'PUFF_HANDLER_OPTIONS',
        `${wrapper}: deadlineMs must be a whole number of milliseconds from 0 to 2147483647, got ${String(deadlineMs)}.`,
      );
    }
    normalized.deadlineMs = deadlineMs;
  }
  if (transaction !== undefined) normalized.transaction = transaction === true ? {} : transaction;
  return normalized;
}
