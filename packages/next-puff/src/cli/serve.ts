import { fileURLToPath } from 'node:url';
import { isPortFree } from '../embedded/port.js';
import { PuffError } from '../errors.js';
import { findNext } from '../next/next-installation.js';
import { say } from '../report.js';
import {
  RESTART_EXIT_CODE,
  type ServeOptions,
  type ServerReport,
} from '../server/serve-options.js';
import { readNextArguments, readPort } from './next-arguments.js';
import { runNode, watchNode } from './node-process.js';
import { NEXT_OPTION } from './serve-arguments.js';
import {
  type AppConfiguration,
  peekConfiguration,
  type Services,
  startServices,
} from './services.js';

const SERVER_PROGRAM = fileURLToPath(new URL('../server/server.js', import.meta.url));
const DEFAULT_PORT = 3000;

/** What the helps of `next-puff dev` and `next-puff start` have in common. */
export const SHARED_ENVIRONMENT = `
Environment
  DATABASE_URL  PostgreSQL to use; also read from .env files and from puff.config's postgres.url.
                Without it the embedded PostgreSQL is started: data in .puff/postgres, one server for
                all next-puff processes of the project, stopped when the last one ends.
  PORT          port, when --port is not given`;

/** How the process that serves an app is run. */
export interface ServerProgram {
  /** The configuration that the app has now. */
  configuration: AppConfiguration;
  options: ServeOptions;
  /** Options of Node.js itself. */
  execArgv: readonly string[];
}

/** Runs Next.js' own server, with what the app needs beside it, and returns its exit code. */
export function serveWithNext(command: 'dev' | 'start', args: readonly string[]): Promise<number> {
  const forNext = args.filter((arg) => arg !== NEXT_OPTION);
  const { directory, port: asked, hostname } = readNextArguments(forNext);
  const isDev = command === 'dev';
  const fromEnvironment = process.env.PORT ? readPort(process.env.PORT, 'PORT') : undefined;
  // `next dev` looks for another port by itself unless one was asked for.
  const port = asked ?? fromEnvironment ?? (isDev ? 0 : DEFAULT_PORT);
  const next = findNext(directory);
  setNodeEnvironment(isDev);
  return withServices(directory, peekConfiguration(directory, isDev), { port, hostname }, () =>
    runNode(next.bin, [command, ...forNext]),
  );
}

/** Runs the process that serves an app, with what the app needs beside it, and returns its exit code. */
export function serve({ configuration, options, execArgv }: ServerProgram): Promise<number> {
  const { directory, hostname, mayChangePort } = options;
  const port = mayChangePort ? 0 : options.port;
  return withServices(directory, configuration, { port, hostname }, async () => {
    let current = options;
    const onMessage = (message: unknown) => {
      // After a restart the app is where it was.
      current = { ...current, port: (message as ServerReport).port, mayChangePort: false };
    };
    for (;;) {
      const args = [JSON.stringify(current)];
      const { code, wasSignalled } = await watchNode(SERVER_PROGRAM, args, { execArgv, onMessage });
      if (code !== RESTART_EXIT_CODE || wasSignalled) return code;
    }
  });
}

/**
 * Serves an app that needs nothing beside it in this process, until a signal ends that; it does not resolve.
 *
 * @throws what `serve` of `server/serve.ts` throws
 */
export async function serveHere({
  configuration,
  options,
}: Omit<ServerProgram, 'execArgv'>): Promise<never> {
  await startServices(options.directory, configuration);
  const server = await import('../server/serve.js');
  await server.serve(options);
  return new Promise(() => {});
}

/** As Next.js' own commands set it. */
export function setNodeEnvironment(isDev: boolean): void {
  const environment = process.env as Record<string, string | undefined>;
  environment.NODE_ENV ??= isDev ? 'development' : 'production';
}

/** The option of Node.js that lets a debugger connect. */
export function inspectOption(inspect: string | true | undefined): string[] {
  if (inspect === undefined) return [];
  return [inspect === true ? '--inspect' : `--inspect=${inspect}`];
}

async function withServices(
  directory: string,
  configuration: AppConfiguration,
  { port, hostname }: { port: number; hostname: string | undefined },
  run: () => Promise<number>,
): Promise<number> {
  await checkPort(port, hostname);
  const services = await startServices(directory, configuration);
  try {
    return await run();
  } finally {
    await stopServices(services);
  }
}

/** The last stage of shutting down. */
async function stopServices(services: Services): Promise<void> {
  const begin = performance.now();
  await services.stop();
  if (services.isEmbedded && process.env.NODE_ENV === 'production') {
    const took = Math.round(performance.now() - begin);
    say(`shutdown: embedded PostgreSQL done after ${took} ms`);
  }
}

/** Fails before anything is started when the port is taken. */
async function checkPort(port: number, hostname: string | undefined): Promise<void> {
  if (port === 0 || (await isPortFree(port, hostname))) return;
  throw new PuffError('PUFF_PORT_IN_USE', `Port ${port} is in use, so the app was not started.`, {
    hint: `End what listens on it (lsof -i :${port} shows it), or choose another: --port ${port + 1}`,
    operation: 'listen',
  });
}
