import { postgres } from 'next-puff/postgres';

export async function GET() {
  await postgres`select pg_sleep(60), 'asked by a route'`;
  return new Response('awake');
}
