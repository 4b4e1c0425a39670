import pg from 'pg';

export const dynamic = 'force-dynamic';

/** Says which database the app has been given, as seen by a query. */
export async function GET() {
  const client = new pg.Client(process.env.DATABASE_URL);
  await client.connect();
  try {
    const { rows } = await client.query(
      'select current_database() as name, inet_server_port() as port',
    );
    return Response.json(rows[0]);
  } finally {
    await client.end();
  }
}
