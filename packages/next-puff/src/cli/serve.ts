import { isPortFree } from '../embedded/port.js';
import { PuffError } from '../errors.js';
import type { CliCommand } from './command.js';
import { findNext } from './next-app.js';
import { readNextArguments, readPort } from './next-arguments.js';
import { runNode } from './node-process.js';
import { peekConfiguration, startServices } from './services.js';

const DEFAULT_PORT = 3000;

const SHARED_HELP = `
Arguments
  directory              the app (default: the current directory)

Options
  -p, --port <port>      port to listen on
  -H, --hostname <host>  address to listen on
  any option of \`next`;

const SHARED_ENVIRONMENT = `
Environment
  DATABASE_URL  PostgreSQL to use; also read from .env files and from puff.config's postgres.url.
                Without it the embedded PostgreSQL is started: data in .puff/postgres, one server for
                all next-puff processes of the project, stopped when the last one ends.
  PORT          port, when --port is not given

Ctrl-C (SIGINT) and SIGTERM are passed on to Next.js; a second one kills it. The exit code is that of
Next.js.`;

/** `next-puff dev`. */
export const dev: CliCommand = {
  name: 'dev',
  summary: 'start the app for development, with a database',
  help: `Usage: next-puff dev [directory] [options]

Starts \`next dev\`. When no database is configured, an embedded PostgreSQL is started first and its
address given to the app as DATABASE_URL.
${SHARED_HELP} dev\` (see \`npx next dev --help\`)

Without --port and PORT the port is 3000, or the next one that is free.
${SHARED_ENVIRONMENT}

Examples
  next-puff dev
  next-puff dev -p 4000 --webpack
  DATABASE_URL=postgres://me@localhost/mine next-puff dev
`,
  run: (args) => serve('dev', args),
};

/** `next-puff start`. */
export const start: CliCommand = {
  name: 'start',
  summary: 'serve the built app, with a database',
  help: `Usage: next-puff start [directory] [options]

Serves what \`next-puff build\` has built, with \`next start\`. Set DATABASE_URL in production: without it
the app runs on the embedded PostgreSQL, and a warning says so.
${SHARED_HELP} start\` (see \`npx next start --help\`)
${SHARED_ENVIRONMENT}

Examples
  next-puff build && DATABASE_URL=postgres://... next-puff start -p 8080
`,
  run: (args) => serve('start', args),
};

async function serve(command: 'dev' | 'start', args: string[]): Promise<number> {
  const isDev = command === 'dev';
  const { directory, port, hostname } = readNextArguments(args);
  const next = findNext(directory);
  await checkPort(isDev, port, hostname);

  const environment = process.env as Record<string, string | undefined>;
  environment.NODE_ENV ??= isDev ? 'development' : 'production';
  const services = await startServices(directory, peekConfiguration(directory, isDev));
  try {
    return await runNode(next.bin, [command, ...args]);
  } finally {
    await services.stop();
  }
}

/** Fails before anything is started when Next.js would find its port taken. */
async function checkPort(
  isDev: boolean,
  asked: number | undefined,
  hostname: string | undefined,
): Promise<void> {
  const fromEnvironment = process.env.PORT ? readPort(process.env.PORT, 'PORT') : undefined;
  // `next dev` looks for another port by itself unless one was asked for.
  const port = asked ?? fromEnvironment ?? (isDev ? 0 : DEFAULT_PORT);
  if (port === 0 || (await isPortFree(port, hostname))) return;
  throw new PuffError('PUFF_PORT_IN_USE', `Port ${port} is in use, so the app was not started.`, {
    hint: `End what listens on it (lsof -i :${port} shows it), or choose another: next-puff ${isDev ? 'dev' : 'start'} --port ${port + 1}`,
    operation: 'listen',
  });
}
