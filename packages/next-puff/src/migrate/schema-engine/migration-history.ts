import type { DatabaseUrl } from './database-url.js';
import { withSession } from './session.js';

/** The lock that Prisma Migrate takes while it migrates a database. */
const MIGRATE_LOCK = 72707369;

/** Puts the reason of a failure into the history, in the place of what the engine wrote there. */
export async function noteFailure(url: DatabaseUrl, name: string, reason: string): Promise<void> {
  await withSession(url, (session) =>
    session.query(
      `update _prisma_migrations set logs = $2
       where migration_name = $1 and finished_at is null and rolled_back_at is null`,
      [name, reason],
    ),
  );
}

/** The reasons that the history has for migrations that failed and were not resolved. */
export async function failureReasons(url: DatabaseUrl): Promise<string[]> {
  const rows = await withSession(url, (session) =>
    session.query(
      `select logs from _prisma_migrations
       where finished_at is null and rolled_back_at is null and logs is not null
       order by started_at`,
    ),
  );
  return rows.map(([logs]) => String(logs));
}

/** Who migrates a database now, for a message; `undefined` when nobody does or it cannot be seen. */
export async function currentMigrator(url: DatabaseUrl): Promise<string | undefined> {
  const rows = await withSession(url, (session) =>
    session.query(
      `select pid, application_name, host(client_addr),
              to_char(backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
       from pg_locks join pg_stat_activity using (pid)
       where locktype = 'advisory' and classid = 0 and objid = $1 and granted
         and pg_locks.database = (select oid from pg_database where datname = current_database())`,
      [MIGRATE_LOCK],
    ),
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const [pid, application, address, since] = row;
  const from = address === null ? '' : ` from ${address}`;
  return `${application || 'an unnamed application'}${from}, connected since ${since} (pid ${pid})`;
}
