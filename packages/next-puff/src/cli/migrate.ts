import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PuffError } from '../errors.js';
import type { CliCommand } from './command.js';
import { runPrisma } from './prisma.js';
import { suggest } from './suggestion.js';
import { UsageError } from './usage-error.js';

const COMMANDS = ['dev', 'deploy', 'status', 'reset', 'resolve', 'diff'];

/** Where Prisma looks for its config, from the app's directory. */
const CONFIG_FILES = [
  'prisma.config',
  'prisma7.config',
  '.config/prisma',
  '.config/prisma7',
  '.config/prisma.config',
].flatMap((name) => ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'].map((ending) => `${name}.${ending}`));

/** `next-puff migrate`. */
export const migrate: CliCommand = {
  name: 'migrate',
  summary: 'bring the database up to the Prisma schema, with Prisma Migrate',
  help: `Usage: next-puff migrate <command> [options]

Prisma Migrate with the app's prisma.config.ts, on the configured database or the embedded PostgreSQL.
Nothing is downloaded; \`next-puff help prisma\` says how.

Commands
  dev      write a migration for what changed in the schema, and apply it  (development)
  deploy   apply the migrations that the database does not have yet        (production, tests, CI)
  status   compare the migrations with the database: exit code 1 when they differ
  reset    delete everything in the database and apply all migrations      (development)
  resolve  mark a failed migration as applied or rolled back
  diff     compare two schemas, as text or as SQL

Options are those of \`prisma migrate\`: next-puff migrate dev --help

\`dev\` replays the migrations in a shadow database, which it creates and drops; where that is not
allowed, name an empty one as datasource.shadowDatabaseUrl in prisma.config.ts. A missing database is
created by \`dev\` and \`deploy\`. Of two that migrate at once the second waits up to 10 seconds.

Environment
  DATABASE_URL  PostgreSQL to use; also read from .env files and from puff.config's postgres.url
  NODE_ENV      "production" reads .env.production instead of .env.development

Examples
  next-puff migrate dev --name add-comments
  DATABASE_URL=postgres://... next-puff migrate deploy
  next-puff migrate resolve --rolled-back 20260302091500_create_polls
`,
  forwardsArguments: true,
  async run([command, ...options]) {
    if (command === undefined) {
      throw new UsageError('next-puff migrate needs a command.', listOfCommands());
    }
    if (!COMMANDS.includes(command)) {
      const near = suggest(command, COMMANDS);
      throw new UsageError(
        `There is no command "migrate ${command}".`,
        near ? `Did you mean "next-puff migrate ${near}"?` : listOfCommands(),
      );
    }
    if (
      !options.some((option) => /^(-h|--help|--config|--config=.*|--url|--url=.*)$/.test(option))
    ) {
      checkConfigFile(process.cwd());
    }
    return runPrisma(['migrate', command, ...options]);
  },
};

function listOfCommands(): string {
  return `It is one of: ${COMMANDS.join(', ')}.`;
}

/** Fails before a database is started when Prisma would not know which one to use. */
function checkConfigFile(directory: string): void {
  if (CONFIG_FILES.some((name) => existsSync(join(directory, name)))) return;
  throw new PuffError('PUFF_PRISMA_NO_CONFIG', `There is no prisma.config.ts in ${directory}.`, {
    operation: 'migrate',
    hint: `Run this in the app's directory, or write one:
  import { defineConfig } from 'prisma/config';
  export default defineConfig({
    schema: 'prisma/schema.prisma',
    migrations: { path: 'prisma/migrations' },
    datasource: { url: process.env.DATABASE_URL ?? '' },
  });`,
  });
}
