import { setTimeout as sleep } from 'node:timers/promises';

export const dynamic = 'force-dynamic';

/** Takes as long as it is told: `?ms=500`. */
export async function GET(request) {
  await sleep(Number(new URL(request.url).searchParams.get('ms')));
  return new Response('at last');
}
