import { appendFileSync } from 'node:fs';

export const dynamic = 'force-dynamic';

/** Never answers, so that a server that waits for its requests never ends by itself. */
export function GET() {
  if (process.env.FIXTURE_NOTES) appendFileSync(process.env.FIXTURE_NOTES, 'hanging\n');
  return new Promise(() => {});
}
