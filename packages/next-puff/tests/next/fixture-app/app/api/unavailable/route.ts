import { PostgresUnavailableError } from 'next-puff/errors';

export async function POST() {
  throw new PostgresUnavailableError('No server at 127.0.0.1:1.', { retryAfterMs: 2500 });
}
