import { PostgresUnavailableError } from 'next-puff/errors';
import { currentContext } from 'next-puff/next';
import { record } from '@/lib/record';

export const dynamic = 'force-static';
export const revalidate = 1;

export async function GET() {
  if (process.env.NEXT_PHASE === 'phase-production-build') return Response.json('built');
  record(`revalidated: ${currentContext()?.deadlineAt ? 'a' : 'no'} deadline`);
  throw new PostgresUnavailableError('No server at 127.0.0.1:1.');
}
