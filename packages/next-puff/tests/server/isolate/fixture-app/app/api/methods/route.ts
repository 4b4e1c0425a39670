export const dynamic = 'force-dynamic';

export function GET() {
  return new Response('got', { headers: { 'X-A': 'a' } });
}

export async function POST(request: Request) {
  return Response.json([...(await request.formData())]);
}
