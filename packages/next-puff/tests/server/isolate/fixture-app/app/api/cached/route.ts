import { revalidateTag, unstable_cache } from 'next/cache';

export const dynamic = 'force-dynamic';

let made = 0;
const cached = unstable_cache(async () => ++made, ['made'], { tags: ['made'] });

export async function GET() {
  return Response.json([await cached(), await cached()]);
}

export function POST() {
  revalidateTag('made', { expire: 0 });
  return Response.json({ ok: true });
}
