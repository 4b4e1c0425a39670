import { postgres } from 'next-puff/postgres';

/** What happened in the last 24 hours, in words. */
export async function summarize(): Promise<string> {
  const [day] = await postgres<{ asked: number; closed: number; votes: number }>`
    select
      (select count(*)::int from questions where published_at > now() - interval '1 day') as asked,
      (select count(*)::int from questions where closed_at > now() - interval '1 day') as closed,
      (select count(*)::int from votes where voted_at > now() - interval '1 day') as votes`;
  const { asked = 0, closed = 0, votes = 0 } = day ?? {};
  return `In the last 24 hours ${asked} questions were asked, ${closed} polls closed, and ${votes} votes counted.`;
}
