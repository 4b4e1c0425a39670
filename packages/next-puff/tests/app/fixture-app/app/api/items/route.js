import { postgres } from 'next-puff/postgres';

export async function GET() {
  const [{ count }] = await postgres`select count(*)::int as count from items`;
  return Response.json({ count });
}

export async function POST(request) {
  const { name } = await request.json();
  const [item] = await postgres`insert into items (name) values (${name}) returning id`;
  return Response.json(item, { status: 201 });
}
