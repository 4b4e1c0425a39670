// Compiles only if next-puff/pg can stand wherever node-postgres is asked for.
import puff, { Client, Pool, type PoolClient, Query } from 'next-puff/pg';
import type * as pg from 'pg';

export const pool: pg.Pool = new Pool({ max: 1 });
export const client: pg.Client = new Client();
export const lent: Promise<pg.PoolClient> = new Pool().connect();
export const back: PoolClient = await lent;
export const query: pg.Query = new Query('select 1');
export const types: typeof pg.types = puff.types;
export const native: null | object = puff.native;
export const rows: { id: number }[] = (await pool.query<{ id: number }>('select 1 as id')).rows;
// @ts-expect-error an option that node-postgres does not have
new Pool({ maximum: 1 });
