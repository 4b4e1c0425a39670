import type { CliCommand } from './command.js';
import { runNode } from './node-process.js';
import { readConfiguration, startServices } from './services.js';

/** `next-puff prisma`. */
export const prisma: CliCommand = {
  name: 'prisma',
  summary: "run the app's Prisma CLI, with the database up and without downloads",
  help: `Usage: next-puff prisma <command> [arguments]

Runs the Prisma CLI that the app has installed, with the app's prisma.config.ts. It downloads no engine:
next-puff brings the schema engine as WebAssembly and connects it to PostgreSQL itself. A native engine
is used where there is one already: the one that PRISMA_SCHEMA_ENGINE_BINARY names, or that Prisma has
downloaded before.

Commands that need a database (migrate, db, studio, generate --sql) get one: the configured one, or
the embedded PostgreSQL, which is shared with a running \`next-puff dev\`. Its URL is in DATABASE_URL,
so let prisma.config.ts say  datasource: { url: process.env.DATABASE_URL }.

Environment
  DATABASE_URL        PostgreSQL to use; also read from .env files and from puff.config's postgres.url
  CHECKPOINT_DISABLE  set to 1 unless you set it: Prisma then sends no statistics and looks for no updates

Examples
  next-puff prisma generate
  next-puff prisma db push
  next-puff prisma studio
`,
  forwardsArguments: true,
  run: (args) => runPrisma(args),
};

/** Runs the app's Prisma CLI with what it needs and returns its exit code. */
export async function runPrisma(args: string[]): Promise<number> {
  const directory = process.cwd();
  // Loaded only now: no other command needs them.
  const { findPrisma } = await import('../migrate/prisma-installation.js');
  const { prismaEnvironment } = await import('../migrate/prisma-environment.js');
  const installation = findPrisma(directory);

  const environment = process.env as Record<string, string | undefined>;
  environment.NODE_ENV ??= 'development';
  const configuration = readConfiguration(directory, environment.NODE_ENV !== 'production');
  if (configuration.databaseUrl !== undefined) {
    environment.DATABASE_URL = configuration.databaseUrl;
  }
  // First, because it can fail, and starting a database takes longer.
  const additions = await prismaEnvironment(directory, installation, usesEngine(args));
  if (!usesDatabase(args))
    return runNode(installation.bin, args, { env: { ...process.env, ...additions } });
  const services = await startServices(directory, configuration);
  try {
    return await runNode(installation.bin, args, { env: { ...process.env, ...additions } });
  } finally {
    await services.stop();
  }
}

/** Whether a command of Prisma's starts the schema engine. */
function usesEngine(args: string[]): boolean {
  if (args.some((arg) => arg === '--help' || arg === '-h')) return false;
  const command = args.find((arg) => !arg.startsWith('-'));
  if (command === 'generate') return args.some((arg) => /^--sql(=|$)/.test(arg));
  return command === 'migrate' || command === 'db' || command === 'studio';
}

/** Whether it connects to a database: all but a comparison of schema files. */
function usesDatabase(args: string[]): boolean {
  const comparesFiles =
    args.includes('diff') &&
    !args.some((arg) => /^--(from|to)-(migrations|config-datasource)(=|$)/.test(arg));
  return usesEngine(args) && !comparesFiles;
}
