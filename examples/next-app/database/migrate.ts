import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { postgres, sql } from 'next-puff/postgres';

const MIGRATIONS = fileURLToPath(new URL('../prisma/migrations', import.meta.url));

/** The lock that Prisma Migrate takes too, so that it and this command wait for each other. */
const PRISMA_MIGRATE_LOCK = 72707369;

interface Migration {
  name: string;
  script: string;
  /** SHA-256 of the script's bytes, as Prisma records it. */
  checksum: string;
}

interface AppliedMigration {
  name: string;
  checksum: string;
  isFinished: boolean;
  logs: string | null;
}

/**
 * Applies the migrations of prisma/migrations that the database does not have yet, in the order of their names.
 *
 * The history is kept in `_prisma_migrations` as Prisma Migrate keeps it, so that either can go on where the other stopped.
 *
 * @throws {MigrationError} when a migration failed before or fails now, or an applied one was edited or is missing here.
 */
export async function migrate(): Promise<void> {
  const migrations = await readMigrations();
  await withMigrateLock(async () => {
    await postgres.script(`
      create table if not exists _prisma_migrations (
        id                  varchar(36) primary key not null,
        checksum            varchar(64) not null,
        finished_at         timestamptz,
        migration_name      varchar(255) not null,
        logs                text,
        rolled_back_at      timestamptz,
        started_at          timestamptz not null default now(),
        applied_steps_count integer not null default 0
      )`);
    const pending = pendingMigrations(migrations, await readHistory());
    for (const migration of pending) await apply(migration);
    console.log(
      pending.length === 0
        ? `Nothing to migrate: all ${migrations.length} migrations are applied.`
        : `Applied ${pending.length} of ${migrations.length} migrations.`,
    );
  });
}

/** A migration history that this command will not build upon. */
export class MigrationError extends Error {
  override name = 'MigrationError';
}

/**
 * Runs `work` while nobody else migrates this database.
 *
 * A transaction beside it holds the lock. `work` is not a part of that transaction: a migration may do what no transaction
 * allows, and its record must stay when it fails.
 */
async function withMigrateLock(work: () => Promise<void>): Promise<void> {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let holding = Promise.resolve();
  await new Promise<void>((resolve, reject) => {
    holding = postgres.transaction(async (tx) => {
      // As a script, which leaves no snapshot behind: `create index concurrently` would wait for it for ever.
      await tx.script(`select pg_advisory_xact_lock(${PRISMA_MIGRATE_LOCK})`);
      resolve();
      await released;
    });
    holding.catch(reject);
  });
  try {
    await work();
  } finally {
    release();
    await holding;
  }
}

async function readMigrations(): Promise<Migration[]> {
  const entries = await readdir(MIGRATIONS, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const script = await readFile(join(MIGRATIONS, name, 'migration.sql'));
      const checksum = createHash('sha256').update(script).digest('hex');
      return { name, script: script.toString('utf8'), checksum };
    }),
  );
}

/** What was applied and not rolled back, oldest first. */
async function readHistory(): Promise<AppliedMigration[]> {
  return postgres<AppliedMigration>`
    select migration_name as name, checksum, finished_at is not null as "isFinished", logs
    from _prisma_migrations
    where rolled_back_at is null
    order by started_at`;
}

function pendingMigrations(migrations: Migration[], history: AppliedMigration[]): Migration[] {
  const byName = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const applied of history) {
    const migration = byName.get(applied.name);
    if (!applied.isFinished)
      throw new MigrationError(
        `Migration ${applied.name} was started before and did not finish${applied.logs ? `:\n${applied.logs}\n` : '. '}` +
          'See what it did to the database and undo it, then mark it with ' +
          `update _prisma_migrations set rolled_back_at = now() where migration_name = '${applied.name}' and finished_at is null; ` +
          'then migrate again.',
      );
    if (!migration)
      throw new MigrationError(
        `The database has migration ${applied.name}, which is not in ${MIGRATIONS}. ` +
          'It was migrated from another version of the app: use that one, or another database.',
      );
    if (migration.checksum !== applied.checksum)
      throw new MigrationError(
        `Migration ${applied.name} was changed after it was applied. ` +
          'Restore its migration.sql and write the change as a new migration.',
      );
  }
  const done = new Set(history.map((applied) => applied.name));
  return migrations.filter((migration) => !done.has(migration.name));
}

async function apply(migration: Migration): Promise<void> {
  const id = randomUUID();
  await postgres.execute(sql`
    insert into _prisma_migrations (id, checksum, migration_name)
    values (${id}, ${migration.checksum}, ${migration.name})`);
  try {
    await postgres.script(migration.script);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await postgres.execute(sql`update _prisma_migrations set logs = ${reason} where id = ${id}`);
    throw new MigrationError(`Migration ${migration.name} failed: ${reason}`, { cause: error });
  }
  await postgres.execute(sql`
    update _prisma_migrations
    set finished_at = now(), applied_steps_count = applied_steps_count + 1
    where id = ${id}`);
  console.log(`Applied ${migration.name}.`);
}
