import { postgres } from 'next-puff/postgres';
import { isOutage } from '@/polls/outage';

/** Whether the app can serve: 200 with the database's round trip, or 503 with the code of what is wrong. */
export async function GET(): Promise<Response> {
  const startedAt = performance.now();
  try {
    await postgres`select 1`;
  } catch (error) {
    if (!isOutage(error)) throw error;
    return Response.json({ status: 'down', database: error.code }, { status: 503 });
  }
  const roundTripMs = Math.round((performance.now() - startedAt) * 100) / 100;
  return Response.json({ status: 'up', database: 'up', roundTripMs });
}
