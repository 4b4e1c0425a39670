import { connection } from 'next/server';
import pg from 'pg';

const pool = new pg.Pool();

export default async function Page() {
  await connection();
  const { rows } = await pool.query('select 6 * 7 as answer');
  return <p>{`page ${rows[0].answer} ${'_clients' in pool}`}</p>;
}
