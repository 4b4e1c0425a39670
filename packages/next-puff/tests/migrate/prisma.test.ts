import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { embeddedPostgresStatus } from 'next-puff/embedded';
import { cleanUp } from '../cli/support/cli';
import { SchemaEngine } from './support/engine';
import { CREATE_NOTES, MigrationServer, PrismaProject, query, schema } from './support/project';

jest.setTimeout(90_000);

const PACKAGE = resolve(import.meta.dirname, '../..');

let server: MigrationServer;
beforeAll(async () => {
  server = await MigrationServer.start();
});
afterAll(async () => {
  await cleanUp();
  await server.stop();
});

describe('next-puff prisma', () => {
  test('generate needs neither database nor download', async () => {
    const project = new PrismaProject();
    const { code, stdout } = await project.run('prisma generate');
    expect(stdout).toContain('Generated Prisma Client');
    expect(code).toBe(0);
    expect(existsSync(join(project.directory, 'generated/client.ts'))).toBe(true);
    expect(existsSync(join(project.directory, '.puff'))).toBe(false);
  });

  test('db execute runs a script as a whole, and shows where it is wrong', async () => {
    const project = await server.migratedProject();
    project.write(
      'good.sql',
      `do $$ begin insert into notes (text) values ('a;b'); end $$; select 1; insert into notes (text) values ('c')`,
    );
    expect((await project.run('prisma db execute --file good.sql')).code).toBe(0);
    expect(await project.query('select text from notes order by id')).toEqual([
      { text: 'a;b' },
      { text: 'c' },
    ]);
    project.write('bad.sql', `insert into notes (text) values ('d');\nselec 2;\n`);
    const { code, stderr } = await project.run('prisma db execute --file bad.sql');
    expect(stderr).toContain('ERROR: syntax error at or near "selec"');
    expect(stderr).toContain('  2  selec 2;\n     ^');
    expect(code).toBe(1);
    expect(await project.query('select count(*)::int from notes')).toEqual([{ count: 2 }]);
  });

  test('db push changes the database, db pull reads it', async () => {
    const project = await server.migratedProject();
    project.write('prisma/schema.prisma', schema('stars Int?'));
    expect((await project.run('prisma db push')).stdout).toContain('now in sync');
    await project.query(`
      create type mood as enum ('good', 'bad');
      alter table notes add column mood mood not null default 'good', add column tags text[];
      create table authors (id bigint generated always as identity primary key, born date,
                            wealth numeric(12, 2), note_id int references notes (id));
    `);
    expect((await project.run('prisma db pull')).code).toBe(0);
    const pulled = readFileSync(join(project.directory, 'prisma/schema.prisma'), 'utf8');
    for (const line of [
      /mood +mood +@default\(good\)/,
      /tags +String\[\]/,
      /stars +Int\?/,
      /id +BigInt +@id @default\(autoincrement\(\)\)/,
      /born +DateTime\? +@db\.Date/,
      /wealth +Decimal\? +@db\.Decimal\(12, 2\)/,
      /@relation\(fields: \[note_id\], references: \[id\]/,
    ]) {
      expect(pulled).toMatch(line);
    }
  });
});

describe('next-puff migrate diff', () => {
  test('of two schema files needs no database', async () => {
    const project = new PrismaProject();
    project.write('next.prisma', schema('stars Int?'));
    const { code, stdout } = await project.migrate(
      'diff --from-schema prisma/schema.prisma --to-schema next.prisma --script',
    );
    expect(stdout).toContain('ALTER TABLE "notes" ADD COLUMN     "stars" INTEGER;');
    expect(code).toBe(0);
    expect(existsSync(join(project.directory, '.puff'))).toBe(false);
  });

  test('prints SQL or a summary, and tells by the exit code', async () => {
    const project = await server.migratedProject();
    project.write('prisma/schema.prisma', schema('stars Int?'));
    const script = await project.migrate(
      'diff --from-empty --to-schema prisma/schema.prisma --script',
    );
    expect(script.stdout).toContain('CREATE TABLE "notes"');
    expect(script.code).toBe(0);
    const summary = await project.migrate(
      'diff --from-migrations prisma/migrations --to-schema prisma/schema.prisma --exit-code',
    );
    expect(summary.stdout).toContain('[+] Added column `stars`');
    expect(summary.code).toBe(2);
    const same = await project.migrate(
      'diff --from-migrations prisma/migrations --to-config-datasource --exit-code',
    );
    expect(same.stdout).toContain('No difference detected');
    expect(same.code).toBe(0);
  });
});

test('without DATABASE_URL the embedded PostgreSQL is migrated, and stopped', async () => {
  const project = new PrismaProject();
  const { code, stdout, stderr } = await project.migrate('deploy');
  expect(stderr).toContain('embedded PostgreSQL ready');
  expect(stdout).toContain('All migrations have been successfully applied.');
  expect(code).toBe(0);
  expect(embeddedPostgresStatus(project.directory).state).toBe('stopped');
});

describe('the schema engine', () => {
  test('resets a database', async () => {
    const project = await server.migratedProject();
    await project.query('create table stray (id int)');
    const engine = new SchemaEngine(project);
    const filter = { externalTables: [], externalEnums: [] };
    expect(await engine.call('reset', { filter })).toHaveProperty('result');
    expect(await engine.end()).toBe(0);
    expect(
      await project.query(`select tablename from pg_tables where schemaname = 'public'`),
    ).toEqual([]);
  });

  test('creates a database, and tells its version', async () => {
    const project = server.project();
    const engine = new SchemaEngine(project);
    const datasource = { tag: 'ConnectionString', url: project.databaseUrl };
    expect(await engine.call('createDatabase', { datasource })).toMatchObject({
      result: { databaseName: expect.stringMatching(/^notes_\d+$/) },
    });
    expect(await engine.call('getDatabaseVersion')).toEqual(
      expect.objectContaining({ result: expect.stringContaining('PostgreSQL 1') }),
    );
    expect(await engine.end()).toBe(0);
  });

  test('answers what it cannot do, and a panic, and goes on', async () => {
    const project = await server.migratedProject();
    const engine = new SchemaEngine(project);
    expect(await engine.call('makeCoffee')).toMatchObject({
      error: {
        data: { is_panic: false, message: expect.stringContaining('no method "makeCoffee"') },
      },
    });
    expect(await engine.call('debugPanic')).toMatchObject({
      error: { data: { is_panic: true, message: expect.stringContaining('panic') } },
    });
    expect(await engine.end()).toBe(0);
  });

  test('runs from a path with spaces', async () => {
    const project = await server.migratedProject();
    const copy = join(project.directory, 'a path with spaces', 'next-puff');
    mkdirSync(copy, { recursive: true });
    for (const part of ['bin', 'dist', 'package.json']) {
      cpSync(join(PACKAGE, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(PACKAGE, '../../node_modules'), join(copy, 'node_modules'));
    const engine = new SchemaEngine(project, join(copy, 'bin/schema-engine.js'));
    expect(await engine.call('getDatabaseVersion')).toHaveProperty('result');
    expect(await engine.end()).toBe(0);
  });

  test('reports the end of a command as Prisma reads it', async () => {
    const project = server.project();
    const missing = await SchemaEngine.command(project, 'can-connect-to-database');
    expect(missing.code).toBe(1);
    expect(missing.failure).toMatchObject({ level: 'ERROR', fields: { error_code: 'P1003' } });
    expect(await SchemaEngine.command(project, 'create-database')).toMatchObject({ code: 0 });
    expect(await SchemaEngine.command(project, 'can-connect-to-database')).toMatchObject({
      code: 0,
    });
    await query(project.databaseUrl ?? '', CREATE_NOTES);
    expect(await SchemaEngine.command(project, 'drop-database')).toMatchObject({ code: 0 });
    expect((await server.databases()).map(({ name }) => name)).not.toContain(
      new URL(project.databaseUrl ?? '').pathname.slice(1),
    );
  });
});

test('generate --sql finds the types of queries', async () => {
  const project = await server.migratedProject();
  await project.query(`
    create type mood as enum ('good', 'bad');
    alter table notes add column mood mood, add column tags text[] not null default '{}',
      add column price numeric(8, 2), add column at timestamptz not null default now();
  `);
  project.write(
    'prisma/schema.prisma',
    `${schema().replace('output', 'previewFeatures = ["typedSql"]\n output')}
     enum Mood {
       good
       bad
       @@map("mood")
     }`,
  );
  project.write(
    'prisma/sql/findNotes.sql',
    `-- Finds notes by their mood.
     -- @param $1:mood
     -- @param {Int} $2:least? The smallest id
     select id, text, mood, tags, price, at, text || '!' as loud
     from notes where mood = $1 and id >= $2 and at < $3`,
  );
  project.write(
    'prisma/sql/joined.sql',
    'select a.id, b.text from notes a left join notes b using (id)',
  );
  const { code, stdout, stderr } = await project.run('prisma generate --sql');
  expect(stderr).not.toContain('rror');
  expect(stdout).toContain('Generated Prisma Client');
  expect(code).toBe(0);

  const find = readFileSync(join(project.directory, 'generated/sql/findNotes.ts'), 'utf8');
  expect(find).toContain('Finds notes by their mood.');
  expect(find).toContain('The smallest id');
  for (const type of [
    /mood: \$DbEnums\["?mood"?\]|mood: \$DbEnums\.mood/,
    /least: number \| null/,
    /_2: Date/,
    /id: number\n/,
    /text: string\n/,
    /tags: string\[\]\n/,
    /price: \$runtime\.Decimal \| null/,
    /at: Date\n/,
    /loud: string \| null/,
  ]) {
    expect(find).toMatch(type);
  }
  const joined = readFileSync(join(project.directory, 'generated/sql/joined.ts'), 'utf8');
  expect(joined).toMatch(/text: string \| null/);

  project.write('prisma/sql/joined.sql', 'select nonsense\nfrom notes');
  const wrong = await project.run('prisma generate --sql');
  expect(wrong.stdout + wrong.stderr).toContain('column "nonsense" does not exist');
  expect(wrong.stdout + wrong.stderr).toContain('  1  select nonsense\n            ^');
  expect(wrong.code).toBe(1);
});
