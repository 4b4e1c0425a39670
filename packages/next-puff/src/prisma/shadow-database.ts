import { randomUUID } from 'node:crypto';
import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils';
import { Database, type NamedPoolOptions, poolOptions } from '../postgres/database.js';
import { PuffAdapter } from './adapter.js';
import { adapterErrorOf } from './adapter-error.js';

/** Makes an empty database beside a pool's own and connects to it. */
export async function connectToShadowDatabase(
  pool: string,
  schema: string | undefined,
): Promise<SqlDriverAdapter> {
  const database = new Database(pool, { isDetached: true });
  const name = `prisma_migrate_shadow_db_${randomUUID()}`;
  const shadow = new Database(name, {
    isDetached: true,
    options: onDatabase(poolOptions(pool), name),
  });
  try {
    // template0: what administrators put into template1 is no part of any migration.
    await database.runScript(`CREATE DATABASE "${name}" TEMPLATE template0`, {});
  } catch (error) {
    throw adapterErrorOf(error);
  }
  const drop = async () => {
    await shadow.end();
    try {
      await database.runScript(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`, {});
    } catch (error) {
      throw adapterErrorOf(error);
    }
  };
  return new PuffAdapter({ database: () => shadow, schema, dispose: drop });
}

function onDatabase(options: NamedPoolOptions, name: string): NamedPoolOptions {
  const url = new URL(options.url);
  url.pathname = `/${name}`;
  return { ...options, url: url.href, maxConnections: 1 };
}
