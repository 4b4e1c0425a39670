import { pubsub } from 'next-puff/pubsub';

export const dynamic = 'force-dynamic';

export function GET() {
  return new Response('ok');
}

export async function POST(request) {
  pubsub.publish('score', { score: await request.json() });
  return new Response('ok');
}
