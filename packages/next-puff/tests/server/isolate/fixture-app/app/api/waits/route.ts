import { log } from '../../../lib/log';

export const dynamic = 'force-dynamic';

/** Answers when its client is gone, which nobody learns but the log. */
export async function GET(request: Request) {
  log.push('waiting');
  await new Promise((resolve) => request.signal.addEventListener('abort', resolve));
  log.push(`aborted ${(request.signal.reason as Error).name}`);
  return new Response('too late');
}
