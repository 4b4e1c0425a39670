export const dynamic = 'force-dynamic';

export function GET(request) {
  const name = new URL(request.url).searchParams.get('name') ?? 'world';
  return Response.json({ hello: name, numbers: [1, 2, 3] });
}

export async function POST(request) {
  const { name } = await request.json();
  return Response.json({ hello: name, numbers: [1, 2, 3] });
}
