import { postgres } from 'next-puff/postgres';

/** Closes a question whose planned time has come, and answers what it was; nothing if it is closed or not due. */
export async function closeIfDue(id: number): Promise<{ text: string; votes: number } | undefined> {
  const [closed] = await postgres<{ text: string; votes: number }>`
    update questions set status = 'closed', closed_at = now()
    where id = ${id} and status = 'open' and closes_at <= now() + interval '1 second'
    returning text, (select count(*)::int from votes where question_id = questions.id) as votes`;
  return closed;
}
