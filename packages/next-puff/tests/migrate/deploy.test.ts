import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { cleanUp } from '../cli/support/cli';
import { CREATE_NOTES, MigrationServer, query } from './support/project';

jest.setTimeout(90_000);

let server: MigrationServer;
beforeAll(async () => {
  server = await MigrationServer.start();
});
afterAll(async () => {
  await cleanUp();
  await server.stop();
});

const HISTORY = `
  select migration_name as name, finished_at is not null as finished, rolled_back_at is not null as undone
  from _prisma_migrations order by started_at`;

describe('next-puff migrate deploy', () => {
  test('creates the database, applies what is missing, and then finds nothing to do', async () => {
    const project = server.project();
    // A body with semicolons, and statements that depend on those before: it must run as a whole.
    project.migration(
      '2_shout',
      `create function shout() returns trigger language plpgsql as $$
       begin
         new.text := upper(new.text) || ';'; -- a comment; with a semicolon
         return new;
       end
       $$;
       create trigger shout before insert on notes for each row execute function shout();
       do $body$ begin execute 'insert into notes (text) values (''first'');'; end $body$;`,
    );
    const first = await project.migrate('deploy');
    expect(first.stderr).not.toContain('rror');
    expect(first.stdout).toMatch(/database notes_\d+ created/);
    expect(first.stdout).toContain('1_create_notes');
    expect(first.stdout).toContain('All migrations have been successfully applied.');
    expect(first.code).toBe(0);
    expect(await project.query('select text from notes')).toEqual([{ text: 'FIRST;' }]);

    const second = await project.migrate('deploy');
    expect(second.stdout).toContain('No pending migrations to apply.');
    expect(second.code).toBe(0);
    expect(await project.migrate('status')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Database schema is up to date!'),
    });
  });

  test('goes on where another program has begun the history', async () => {
    const project = await server.migratedProject();
    project.migration('2_stars', 'alter table notes add column stars int');
    const { code, stdout } = await project.migrate('deploy');
    expect(stdout).toContain('2_stars');
    expect(stdout).not.toContain('1_create_notes/');
    expect(code).toBe(0);
  });

  test('respects the schema that the URL names', async () => {
    const project = server.project();
    const url = `${project.databaseUrl}?schema=tenant`;
    expect((await project.migrate('deploy', { DATABASE_URL: url })).code).toBe(0);
    expect(
      await project.query(
        `select schemaname from pg_tables where tablename in ('notes', '_prisma_migrations')`,
      ),
    ).toEqual([{ schemaname: 'tenant' }, { schemaname: 'tenant' }]);
  });
});

describe('a migration that fails half-way', () => {
  test('leaves nothing behind, is named with its place, and blocks the next until it is resolved', async () => {
    const project = await server.migratedProject();
    project.migration(
      '2_broken',
      'create table half (id int);\n\n-- é is one character\nalter table half\n  add column x nonsense;\n',
    );
    const first = await project.migrate('deploy');
    expect(first.code).toBe(1);
    expect(first.stderr).toContain('P3018');
    expect(first.stderr).toContain('Migration name: 2_broken');
    expect(first.stderr).toContain('Database error code: 42704');
    expect(first.stderr).toContain('ERROR: type "nonsense" does not exist');
    expect(first.stderr).toContain('  5    add column x nonsense;\n                    ^');
    expect(first.stderr).not.toMatch(/schema_engine|wasm/);
    expect(await project.query(`select to_regclass('half') as half`)).toEqual([{ half: null }]);

    const second = await project.migrate('deploy');
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('P3009');
    expect(second.stderr).toContain('The `2_broken` migration started at');
    expect(second.stderr).toContain('ERROR: type "nonsense" does not exist');

    const status = await project.migrate('status');
    expect(status.code).toBe(1);
    expect(status.stdout + status.stderr).toContain(
      'prisma migrate resolve --rolled-back "2_broken"',
    );

    expect((await project.migrate('resolve --rolled-back 2_broken')).code).toBe(0);
    project.migration('2_broken', 'create table half (id int)');
    expect((await project.migrate('deploy')).code).toBe(0);
    expect(await project.query(HISTORY)).toEqual([
      { name: '1_create_notes', finished: true, undone: false },
      { name: '2_broken', finished: false, undone: true },
      { name: '2_broken', finished: true, undone: false },
    ]);
  });

  test('of a constraint says which rows', async () => {
    const project = await server.migratedProject();
    await project.query(`insert into notes (text) values ('twice'), ('twice')`);
    project.migration('2_unique', 'create unique index notes_text on notes (text)');
    const { code, stderr } = await project.migrate('deploy');
    expect(code).toBe(1);
    expect(stderr).toContain('Migration name: 2_unique');
    expect(stderr).toContain('ERROR: could not create unique index "notes_text"');
    expect(stderr).toContain('DETAIL: Key (text)=(twice) is duplicated.');
  });
});

test('a migration that was edited after it was applied is named by deploy and status', async () => {
  const project = await server.migratedProject();
  project.migration('1_create_notes', `${CREATE_NOTES}-- edited\n`);
  for (const command of ['deploy', 'status']) {
    const { code, stdout } = await project.migrate(command);
    expect(stdout).toContain('changed after they were applied');
    expect(stdout).toContain('  1_create_notes\n');
    expect(code).toBe(0);
  }
});

describe('two at once', () => {
  test('apply every migration once', async () => {
    const project = server.project();
    // Both find the database there.
    await query(
      server.postgres.url,
      `create database ${new URL(project.databaseUrl ?? '').pathname.slice(1)}`,
    );
    project.migration('2_slow', 'select pg_sleep(2); create table slow (id int)');
    const outcomes = await Promise.all([project.migrate('deploy'), project.migrate('deploy')]);
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    expect(await project.query(HISTORY)).toEqual([
      { name: '1_create_notes', finished: true, undone: false },
      { name: '2_slow', finished: true, undone: false },
    ]);
  });

  test('the second does not wait for ever and says for whom it has waited', async () => {
    const project = await server.migratedProject();
    const other = new pg.Client({
      connectionString: project.databaseUrl,
      application_name: 'the other deployment',
    });
    await other.connect();
    try {
      await other.query('select pg_advisory_lock(72707369)');
      const { code, stderr } = await project.migrate('deploy');
      expect(code).toBe(1);
      expect(stderr).toContain('P1002');
      expect(stderr).toMatch(
        /Another process is migrating this database.*the other deployment from 127\.0\.0\.1.*\(pid \d+\)/,
      );
    } finally {
      await other.end();
    }
  });
});
