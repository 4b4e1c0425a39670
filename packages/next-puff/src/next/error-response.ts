/** What a failed route handler answers. */
interface ErrorAnswer {
  status: number;
  message: string;
}

/** Errors that are no fault of the route's code. The messages are for clients: they tell no secrets. */
const ANSWERS: Record<string, ErrorAnswer> = {
  PUFF_POSTGRES_UNAVAILABLE: { status: 503, message: 'The database cannot be reached right now.' },
  PUFF_POSTGRES_POOL_TIMEOUT: { status: 503, message: 'The database is busy right now.' },
  PUFF_DEADLINE_EXCEEDED: { status: 504, message: 'The answer took too long.' },
};

/** Nobody reads this answer; it spares the log an error for a client that left. */
const CLIENT_CLOSED_REQUEST = 499;

/**
 * The response for an error of a route handler, or nothing when Next.js should handle the error.
 *
 * Errors are told by their `code`, also when an ORM wrapped them as the `cause` of its own, so that two
 * copies of next-puff agree. An unreachable database is 503 with `Retry-After` (RFC 9110 section
 * 10.2.3), a missed deadline 504. The error itself is logged, since Next.js does not see it.
 */
export function responseForError(error: unknown, name: string): Response | undefined {
  const cause = errorWithCode(error);
  if (cause === undefined) return undefined;
  if (cause.code === 'PUFF_CLIENT_DISCONNECTED') {
    return new Response(null, { status: CLIENT_CLOSED_REQUEST });
  }
  const answer = ANSWERS[cause.code] as ErrorAnswer;
  console.error(`next-puff: ${name} answered ${answer.status}:`, error);
  const headers = new Headers({ 'Cache-Control': 'no-store' });
  if (answer.status === 503) {
    const retryAfterMs = typeof cause.retryAfterMs === 'number' ? cause.retryAfterMs : 0;
    headers.set('Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
  }
  const body = { error: { code: cause.code, message: answer.message } };
  return Response.json(body, { status: answer.status, headers });
}

interface CodedError {
  code: string;
  retryAfterMs?: unknown;
}

/** Causes are followed this far; a chain may be a circle. */
const MAX_CAUSES = 8;

function errorWithCode(error: unknown): CodedError | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < MAX_CAUSES; depth++) {
    if (typeof current !== 'object' || current === null) return undefined;
    const { code } = current as { code?: unknown };
    if (typeof code === 'string') {
      if (Object.hasOwn(ANSWERS, code) || code === 'PUFF_CLIENT_DISCONNECTED') {
        return current as CodedError;
      }
    }
    current = (current as { cause?: unknown }).cause;
  }
  return undefined;
}
