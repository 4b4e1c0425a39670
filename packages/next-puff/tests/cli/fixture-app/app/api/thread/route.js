import { threadId } from 'node:worker_threads';

export const dynamic = 'force-dynamic';

/** Says which thread answers; 0 is the main one. */
export function GET() {
  return Response.json({ thread: threadId, process: process.pid });
}
