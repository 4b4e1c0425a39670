import { PrismaPg } from '@prisma/adapter-pg';
import knex from 'knex';

/** Two dependencies that ask for `pg` themselves, one by `require`, one by `import`. */
export async function GET() {
  const db = knex({ client: 'pg', connection: process.env.DATABASE_URL });
  const { rows } = await db.raw('select 42 as answer');
  const connection = await db.client.acquireConnection();
  const isNodePostgres = '_queryQueue' in connection;
  db.client.releaseConnection(connection);
  await db.destroy();
  const adapter = await new PrismaPg({ connectionString: process.env.DATABASE_URL }).connect();
  const isAdapterOnNodePostgres = '_clients' in adapter.underlyingDriver();
  await adapter.dispose();
  return Response.json({ ...rows[0], isNodePostgres, isAdapterOnNodePostgres });
}
