import { cacheLife, cacheTag } from 'next/cache';

export const dynamic = 'force-dynamic';

async function used(): Promise<string> {
  'use cache';
  cacheTag('used');
  cacheLife('hours');
  return crypto.randomUUID();
}

export async function GET() {
  return new Response(await used());
}
