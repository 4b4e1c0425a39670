import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { cleanUp } from '../cli/support/cli';
import {
  CREATE_NOTES,
  MigrationServer,
  type PrismaProject,
  query,
  schema,
} from './support/project';

jest.setTimeout(90_000);

let server: MigrationServer;
beforeAll(async () => {
  server = await MigrationServer.start();
});
afterAll(async () => {
  await cleanUp();
  await server.stop();
});

function migrations({ directory }: PrismaProject): string[] {
  return readdirSync(join(directory, 'prisma/migrations')).filter((name) => /^\d/.test(name));
}

async function shadowDatabases(): Promise<unknown[]> {
  const names = (await server.databases()).map(({ name }) => String(name));
  return names.filter((name) => name.startsWith('prisma_migrate_shadow'));
}

describe('next-puff migrate dev', () => {
  test('creates the database, writes a migration for what changed, applies it, and drops its shadow', async () => {
    const project = server.project();
    project.write('prisma/schema.prisma', schema('stars Int?'));
    const { code, stdout, stderr } = await project.migrate('dev --name stars');
    expect(stderr).not.toContain('rror');
    expect(stdout).toContain('Your database is now in sync with your schema.');
    expect(code).toBe(0);

    const [, added = ''] = migrations(project);
    expect(added).toMatch(/^\d{14}_stars$/);
    const script = join(project.directory, 'prisma/migrations', added, 'migration.sql');
    expect(readFileSync(script, 'utf8')).toBe(
      '-- AlterTable\nALTER TABLE "notes" ADD COLUMN     "stars" INTEGER;\n',
    );
    await project.query('select stars from notes');
    expect(await shadowDatabases()).toEqual([]);

    const again = await project.migrate('dev --name nothing');
    expect(again.stdout).toContain('Already in sync');
    expect(again.code).toBe(0);
  });

  test('asks before it loses data, and without a terminal says that it cannot', async () => {
    const project = server.project();
    project.write('prisma/schema.prisma', schema('stars Int?'));
    project.migration('2_stars', 'alter table notes add column stars int');
    await project.migrate('deploy');
    await project.query(`insert into notes (text, stars) values ('a', 5)`);
    project.write('prisma/schema.prisma', schema());
    const { code, stdout, stderr } = await project.migrate('dev --name no-stars');
    expect(stdout).toContain(
      'You are about to drop the column `stars` on the `notes` table, which still contains 1 non-null values.',
    );
    expect(stderr).toContain('the environment is non-interactive');
    expect(code).toBe(1);
    expect(migrations(project)).toHaveLength(2);
    expect(await project.query('select stars from notes')).toEqual([{ stars: 5 }]);
  });

  test('shows drift', async () => {
    const project = await server.migratedProject();
    await project.query('create table stray (id int)');
    const { code, stdout } = await project.migrate('dev --name any');
    expect(stdout).toContain('Drift detected');
    expect(stdout).toContain('[+] Added tables\n  - stray');
    expect(code).toBe(130);
    await project.query('select * from stray');
  });

  test('names a migration that was edited after it was applied', async () => {
    const project = await server.migratedProject();
    project.migration('1_create_notes', `${CREATE_NOTES}-- edited\n`);
    const { code, stdout } = await project.migrate('dev --name any');
    expect(stdout).toContain('The migration `1_create_notes` was modified after it was applied.');
    expect(code).toBe(130);
  });

  test('names a migration that cannot be replayed', async () => {
    const project = await server.migratedProject();
    project.migration('2_broken', 'alter table notes\n  drop column nonsense;\n');
    const { code, stderr } = await project.migrate('dev --name any');
    expect(stderr).toContain('P3006');
    expect(stderr).toContain(
      'Migration `2_broken` failed to apply cleanly to the shadow database.',
    );
    expect(stderr).toContain('Database error code: 42703');
    expect(stderr).toContain('ERROR: column "nonsense" of relation "notes" does not exist');
    expect(code).toBe(1);
    expect(await shadowDatabases()).toEqual([]);
  });
});

describe('shadowDatabaseUrl', () => {
  test('is used instead of a new database, whatever is in it', async () => {
    const project = server.project();
    const SHADOW_URL = server.urlOf('own_shadow');
    await query(server.postgres.url, 'create database own_shadow');
    await query(
      SHADOW_URL,
      'create schema old; create table old.leftover (id int); create table notes ()',
    );
    project.write('prisma/schema.prisma', schema('stars Int?'));
    const { code, stderr } = await project.migrate('dev --name stars', { SHADOW_URL });
    expect(stderr).not.toContain('rror');
    expect(code).toBe(0);
    const tables = await query(
      SHADOW_URL,
      `select schemaname, tablename from pg_tables where schemaname !~ '^(pg_|information_)'`,
    );
    expect(tables).toEqual([{ schemaname: 'public', tablename: 'notes' }]);
  });

  test('that is the database itself is refused before anything is lost', async () => {
    const project = await server.migratedProject();
    await project.query(`insert into notes (text) values ('precious')`);
    // The same server by another name.
    const SHADOW_URL = (project.databaseUrl ?? '').replace('127.0.0.1', 'localhost');
    const { code, stderr } = await project.migrate('dev --name any', { SHADOW_URL });
    expect(stderr).toContain('PUFF_PRISMA_SHADOW_IS_MAIN');
    expect(stderr).toContain('name the same database');
    expect(code).toBe(1);
    expect(await project.query('select text from notes')).toEqual([{ text: 'precious' }]);
  });
});
