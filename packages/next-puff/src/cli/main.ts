import { readFileSync } from 'node:fs';
import { reportError } from '../report.js';
import { build } from './build.js';
import type { CliCommand } from './command.js';
import { dev } from './dev.js';
import { doctor } from './doctor.js';
import { generate } from './generate.js';
import { migrate } from './migrate.js';
import { prisma } from './prisma.js';
import { run } from './run.js';
import { start } from './start.js';
import { suggest } from './suggestion.js';
import { tasks } from './tasks.js';
import { UsageError } from './usage-error.js';
import { worker } from './worker.js';

const COMMANDS: CliCommand[] = [
  dev,
  build,
  start,
  worker,
  tasks,
  run,
  migrate,
  prisma,
  generate,
  doctor,
];

/** Runs the CLI with the arguments after the program's name and returns the exit code. */
export async function main(args: string[]): Promise<number> {
  try {
    return await dispatch(args);
  } catch (error) {
    reportError(error);
    return isUsageError(error) ? 2 : 1;
  }
}

async function dispatch([name, ...args]: string[]): Promise<number> {
  switch (name) {
    case undefined:
    case '--help':
    case '-h':
      return print(overview());
    case '--version':
    case '-v':
      return print(`${version()}\n`);
    case 'help':
      return print(args[0] === undefined ? overview() : find(args[0]).help);
  }
  const command = find(name);
  const own = command.forwardsArguments ? args.slice(0, 1) : args;
  return own.some((arg) => arg === '--help' || arg === '-h')
    ? print(command.help)
    : command.run(args);
}

function find(name: string): CliCommand {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command) return command;
  const near = suggest(
    name,
    COMMANDS.map((candidate) => candidate.name),
  );
  throw new UsageError(
    name.startsWith('-') ? `There is no option ${name}.` : `There is no command "${name}".`,
    near ? `Did you mean "next-puff ${near}"?` : '`next-puff --help` lists the commands.',
  );
}

function overview(): string {
  const list = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(8)} ${summary}`).join('\n');
  return `Usage: next-puff <command> [arguments]

A deep stack for Next.js: one Rust core under your routes and server actions.

Commands
${list}
  help     explain a command: next-puff help dev

Options
  -h, --help     show this
  -v, --version  show the version

Environment
  DATABASE_URL  PostgreSQL to use. Without it an embedded PostgreSQL runs while it is needed and keeps
                its data in .puff/postgres.

Begin with
  next-puff doctor    is everything there?
  next-puff dev       http://localhost:3000, with a database
`;
}

function version(): string {
  const manifest = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

/** Errors of `node:util`'s parseArgs are about the command line, too. */
function isUsageError(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return (
    error instanceof UsageError || (typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS'))
  );
}
