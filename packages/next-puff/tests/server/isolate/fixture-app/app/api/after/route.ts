import { after } from 'next/server';
import { log } from '../../../lib/log';

export const dynamic = 'force-dynamic';

export function GET() {
  after(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    log.push('after');
  });
  return Response.json({ ok: true });
}
