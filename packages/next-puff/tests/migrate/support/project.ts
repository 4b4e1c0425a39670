import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import pg from 'pg';
import { cli, makeProject, type Outcome } from '../../cli/support/cli';

/** A schema with one table, and more fields for it. */
export function schema(fields = ''): string {
  return `
    generator client {
      provider = "prisma-client"
      output   = "../generated"
    }
    datasource db {
      provider = "postgresql"
    }
    model Note {
      id   Int    @id @default(autoincrement())
      text String
      ${fields}
      @@map("notes")
    }
  `;
}

/** The migration that `schema()` needs. */
export const CREATE_NOTES = `-- CreateTable
CREATE TABLE "notes" (
    "id" SERIAL NOT NULL,
    "text" TEXT NOT NULL,

    CONSTRAINT "notes_pkey" PRIMARY KEY ("id")
);
`;

export const PRISMA_CONFIG = `
  import { defineConfig } from 'prisma/config';
  export default defineConfig({
    schema: 'prisma/schema.prisma',
    migrations: { path: 'prisma/migrations' },
    datasource: {
      url: process.env.DATABASE_URL ?? '',
      ...(process.env.SHADOW_URL && { shadowDatabaseUrl: process.env.SHADOW_URL }),
    },
  });
`;

/** Nothing answers there, so whoever wants to download or to report fails. */
const OFFLINE = {
  PRISMA_ENGINES_MIRROR: 'http://127.0.0.1:9',
  HTTPS_PROXY: 'http://127.0.0.1:9',
  HTTP_PROXY: 'http://127.0.0.1:9',
  NO_COLOR: '1',
};

/** An app with Prisma, and a database of its own name on a server. */
export class PrismaProject {
  readonly directory: string;
  readonly databaseUrl: string | undefined;

  /** @param databaseUrl without it the app uses the embedded PostgreSQL */
  constructor(databaseUrl?: string) {
    this.directory = makeProject({ 'prisma.config.ts': PRISMA_CONFIG });
    this.databaseUrl = databaseUrl;
    this.write('prisma/schema.prisma', schema());
    this.write('prisma/migrations/migration_lock.toml', 'provider = "postgresql"\n');
    this.migration('1_create_notes', CREATE_NOTES);
  }

  write(path: string, text: string): void {
    const file = join(this.directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  migration(name: string, script: string): void {
    this.write(`prisma/migrations/${name}/migration.sql`, script);
  }

  /** Runs `next-puff migrate`. */
  migrate(args: string, env: Record<string, string> = {}): Promise<Outcome> {
    return this.run(`migrate ${args}`, env);
  }

  /** Runs `next-puff`. */
  run(args: string, env: Record<string, string> = {}): Promise<Outcome> {
    return cli(args.split(' '), {
      cwd: this.directory,
      env: { ...OFFLINE, ...(this.databaseUrl && { DATABASE_URL: this.databaseUrl }), ...env },
    });
  }

  /** Runs a statement on the project's database and returns its rows. */
  query(statement: string): Promise<Record<string, unknown>[]> {
    return query(this.databaseUrl ?? '', statement);
  }
}

/** A server on which every project gets another database. */
export class MigrationServer {
  readonly postgres: TemporaryPostgres;
  #databases = 0;

  private constructor(postgres: TemporaryPostgres) {
    this.postgres = postgres;
  }

  static async start(): Promise<MigrationServer> {
    return new MigrationServer(await startTemporaryPostgres());
  }

  /** URL of a database that does not exist yet. */
  newUrl(): string {
    this.#databases += 1;
    return this.urlOf(this.#lastName);
  }

  get #lastName(): string {
    return `notes_${this.#databases}`;
  }

  urlOf(database: string): string {
    return this.postgres.url.replace(/\/app$/, `/${database}`);
  }

  /** A project whose database does not exist yet. */
  project(): PrismaProject {
    return new PrismaProject(this.newUrl());
  }

  /** A project whose database has its migration, with a history such as other programs write. */
  async migratedProject(): Promise<PrismaProject> {
    const project = this.project();
    await query(this.postgres.url, `create database ${this.#lastName}`);
    await project.query(CREATE_NOTES);
    await project.query(`
      create table _prisma_migrations (
        id                  varchar(36) primary key not null,
        checksum            varchar(64) not null,
        finished_at         timestamptz,
        migration_name      varchar(255) not null,
        logs                text,
        rolled_back_at      timestamptz,
        started_at          timestamptz not null default now(),
        applied_steps_count integer not null default 0
      );
      insert into _prisma_migrations (id, checksum, finished_at, migration_name)
      values (gen_random_uuid(), '${sha256(CREATE_NOTES)}', now(), '1_create_notes')`);
    return project;
  }

  databases(): Promise<Record<string, unknown>[]> {
    return query(this.postgres.url, 'select datname as name from pg_database');
  }

  stop(): Promise<void> {
    return this.postgres.stop();
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Runs a statement past the code under test and returns its rows. */
export async function query(
  connectionString: string,
  statement: string,
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(statement)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}
