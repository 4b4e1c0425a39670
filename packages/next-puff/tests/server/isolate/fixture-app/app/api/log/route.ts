import { log } from '../../../lib/log';

export const dynamic = 'force-dynamic';

/** What was noted, once. */
export function GET() {
  return Response.json(log.splice(0));
}
