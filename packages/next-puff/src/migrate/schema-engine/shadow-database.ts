import { randomInt, randomUUID } from 'node:crypto';
import { PuffError } from '../../errors.js';
import type { Datasource } from './arguments.js';
import { DatabaseUrl } from './database-url.js';
import { quoteIdentifier, Session, withSession } from './session.js';

/** A connected database and how to let go of it. */
export interface OpenDatabase {
  session: Session;
  close(): Promise<void>;
}

/**
 * Opens an empty database in which migrations can be replayed: the one that the config names, emptied,
 * or a new one on the same server that is dropped on closing.
 */
export function openShadowDatabase(
  datasource: Datasource & { url: string },
): Promise<OpenDatabase> {
  const main = new DatabaseUrl(datasource.url);
  return datasource.shadowDatabaseUrl
    ? openNamed(main, new DatabaseUrl(datasource.shadowDatabaseUrl))
    : openTemporary(main);
}

async function openTemporary(main: DatabaseUrl): Promise<OpenDatabase> {
  const name = `prisma_migrate_shadow_db_${randomUUID()}`;
  const drop = () =>
    withSession(main, (session) =>
      session.script(`drop database if exists ${quoteIdentifier(name)}`),
    );
  await withSession(main, (session) => session.script(`create database ${quoteIdentifier(name)}`));
  try {
    const session = await Session.open(main.withDatabase(name));
    return {
      session,
      close: async () => {
        await session.close();
        await drop();
      },
    };
  } catch (error) {
    await drop();
    throw error;
  }
}

async function openNamed(main: DatabaseUrl, shadow: DatabaseUrl): Promise<OpenDatabase> {
  const session = await Session.open(shadow);
  try {
    await refuseMainDatabase(main, session);
    await empty(session);
  } catch (error) {
    await session.close();
    throw error;
  }
  return { session, close: () => session.close() };
}

/**
 * The shadow database loses everything in it, so it must not be the main one under another name. An
 * advisory lock is seen by all sessions of a database and by those of no other.
 */
async function refuseMainDatabase(main: DatabaseUrl, shadow: Session): Promise<void> {
  const key = randomInt(2 ** 47);
  const isSame = await withSession(main, async (session) => {
    await session.query('select pg_advisory_lock($1::bigint)', [key]);
    const rows = await shadow.query('select pg_try_advisory_lock($1::bigint)', [key]);
    return rows[0]?.[0] === false;
  });
  if (!isSame) return;
  throw new PuffError(
    'PUFF_PRISMA_SHADOW_IS_MAIN',
    `shadowDatabaseUrl and url of the Prisma config name the same database, "${main.database}".`,
    {
      operation: 'migrate',
      hint: 'Everything in a shadow database is deleted. Name another one, or leave shadowDatabaseUrl out: then one is created and dropped each time.',
    },
  );
}

async function empty(session: Session): Promise<void> {
  const rows = await session.query(
    `select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'`,
  );
  const drops = rows.map(([name = '']) => `drop schema ${quoteIdentifier(String(name))} cascade;`);
  await session.script(`${drops.join('\n')}\ncreate schema public`);
}
