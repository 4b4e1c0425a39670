import { draftMode } from 'next/headers';

export const dynamic = 'force-dynamic';

export async function GET() {
  return Response.json({ isEnabled: (await draftMode()).isEnabled });
}

export async function POST() {
  (await draftMode()).enable();
  return new Response('enabled');
}
