// Uses @prisma/adapter-pg, whose `pg` is next-puff/pg here, and prints what came of it.
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';

const [, , url] = process.argv;
const pool = new pg.Pool({ connectionString: url });
await pool.query('create table adapted (id int generated always as identity, name text not null)');
const adapter = await new PrismaPg(pool).connect();
const { columnNames, rows } = await adapter.queryRaw({
  sql: 'select $1::int as a, $2::text[] as b, 12.50::numeric as c',
  args: [1, ['x', 'y']],
  argTypes: [
    { scalarType: 'int', arity: 'scalar' },
    { scalarType: 'string', arity: 'list' },
  ],
});
const plain = (sql) => ({ sql, args: [], argTypes: [] });
const transaction = await adapter.startTransaction();
const inserted = await transaction.executeRaw(plain(`insert into adapted (name) values ('x')`));
await transaction.executeRaw(plain('ROLLBACK'));
await transaction.rollback();
const afterRollback = (await pool.query('select from adapted')).rowCount;
const error = await adapter
  .executeRaw(plain('insert into adapted (name) values (null)'))
  .catch((error) => error);
console.log(
  JSON.stringify({
    isPuff: pg.Pool === (await import('next-puff/pg')).Pool,
    columnNames,
    row: rows[0],
    inserted,
    afterRollback,
    kind: error.cause.kind,
  }),
);
await pool.end();
