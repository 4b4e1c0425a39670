import { route } from 'next-puff/next';
import { postgres } from 'next-puff/postgres';

export const GET = route({ deadlineMs: 300 }, async () => {
  await postgres`select pg_sleep(60), 'asked by a route with a deadline'`;
  return new Response('awake');
});
