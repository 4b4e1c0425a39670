import { redirect } from 'next/navigation';
import { route } from 'next-puff/next';
import { postgres } from 'next-puff/postgres';

export const POST = route({ transaction: true }, async (request) => {
  const { name, ending } = await request.json();
  await postgres`insert into items (name) values (${name})`;
  if (ending === 'throw') throw new Error('after the insert, on purpose');
  if (ending === 'redirect') redirect('/');
  return new Response(null, { status: 201 });
});
