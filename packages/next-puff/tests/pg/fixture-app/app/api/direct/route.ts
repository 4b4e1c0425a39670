import { Pool } from 'pg';

const pool = new Pool();

/** node-postgres' pools have an array of clients, next-puff's do not. */
export async function GET() {
  const { rows } = await pool.query('select $1::int + 1 as answer', [41]);
  return Response.json({ ...rows[0], isNodePostgres: '_clients' in pool });
}
