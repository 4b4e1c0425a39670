import { appendFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { after } from 'next/server';

export const dynamic = 'force-dynamic';

/** Takes a note after it has answered. */
export function GET() {
  after(async () => {
    await sleep(500);
    await appendFile(process.env.FIXTURE_NOTES, 'after() has run\n');
  });
  return new Response('answered');
}
