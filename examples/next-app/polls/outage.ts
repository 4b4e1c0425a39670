/** The digest that app/error.tsx knows an outage by. */
export const OUTAGE_DIGEST = 'DATABASE_OUTAGE';

const OUTAGE_CODES = new Set([
  'PUFF_POSTGRES_UNAVAILABLE',
  'PUFF_POSTGRES_REFUSED',
  'PUFF_POSTGRES_CONNECTION_LOST',
  'PUFF_POSTGRES_POOL_TIMEOUT',
  'PUFF_POSTGRES_NOT_CONFIGURED',
  // Prisma's: wrong password, unreachable, timed out (twice), no such database, denied, closed, no connection free.
  'P1000',
  'P1001',
  'P1002',
  'P1003',
  'P1008',
  'P1010',
  'P1017',
  'P2024',
]);

/** Whether an error means that the database, not the request, is at fault. */
export function isOutage(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && OUTAGE_CODES.has(String(error.code));
}

/** What to tell a visitor whose form was not saved because of an outage. */
export const OUTAGE_MESSAGE =
  'The database cannot be reached at the moment, so nothing was saved. Please try again shortly.';

/**
 * Awaits what a page reads. In production Next.js hides an error's message from the error page, but keeps its `digest`:
 * an outage gets one by which the page can say what is wrong.
 */
export async function forPage<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!isOutage(error)) throw error;
    const outage = new Error(error.message, { cause: error });
    throw Object.assign(outage, { digest: OUTAGE_DIGEST });
  }
}
