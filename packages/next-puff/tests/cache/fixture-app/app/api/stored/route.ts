import { unstable_cache } from 'next/cache';

export const dynamic = 'force-dynamic';

const stored = unstable_cache(async () => crypto.randomUUID(), ['stored'], { tags: ['stored'] });

export async function GET() {
  return new Response(await stored());
}
