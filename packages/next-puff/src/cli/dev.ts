import { totalmem } from 'node:os';
import { serveOptionsOf } from '../server/serve-options.js';
import type { CliCommand } from './command.js';
import { readNextArguments } from './next-arguments.js';
import {
  inspectOption,
  SHARED_ENVIRONMENT,
  serve,
  serveWithNext,
  setNodeEnvironment,
} from './serve.js';
import { type DevArguments, NEXT_OPTION, readDevArguments } from './serve-arguments.js';
import { peekConfiguration } from './services.js';

/** `next-puff dev`. */
export const dev: CliCommand = {
  name: 'dev',
  summary: 'start the app for development, with a database',
  help: `Usage: next-puff dev [directory] [options]

Starts Next.js' development server behind the server of next-puff, in one process. When no database is
configured, an embedded PostgreSQL is started first and its address given to the app as DATABASE_URL.

Arguments
  directory                 the app (default: the current directory)

Options
  -p, --port <port>         port to listen on (default: 3000, or the next one that is free)
  -H, --hostname <host>     address to listen on (default: all of this machine)
      --turbopack, --turbo  compile with Turbopack (the default)
      --webpack             compile with webpack
      --inspect [[host:]port]  let a debugger connect
      --disable-source-maps do not map stacks to sources
      --next                use Next.js' own server, \`next dev\`, which gets all other options
${SHARED_ENVIRONMENT}

Ctrl-C (SIGINT) and SIGTERM end it; a second one kills it.

Examples
  next-puff dev
  next-puff dev -p 4000 --webpack
  DATABASE_URL=postgres://me@localhost/mine next-puff dev
`,
  async run(args) {
    if (args.includes(NEXT_OPTION)) return serveWithNext('dev', args);
    const configuration = peekConfiguration(readNextArguments(args).directory, true);
    const { server = {} } = configuration.config;
    if (server === false) return serveWithNext('dev', args);
    const { inspect, bundler, hasSourceMaps, ...rest } = readDevArguments(args);
    setNodeEnvironment(true);
    prepareEnvironment(bundler);
    return serve({
      configuration,
      options: serveOptionsOf(rest, server, { isDev: true, hasParent: true }),
      execArgv: [
        ...inspectOption(inspect),
        ...memoryOption(),
        ...(hasSourceMaps ? ['--enable-source-maps'] : []),
      ],
    });
  },
};

/** What `next dev` tells its server by the environment. */
function prepareEnvironment(bundler: DevArguments['bundler']): void {
  const environment = process.env as Record<string, string | undefined>;
  environment.__NEXT_DEV_SERVER = '1';
  if (bundler === 'webpack') delete environment.TURBOPACK;
  else if (bundler === 'turbopack') environment.TURBOPACK ??= '1';
  else if (!environment.NEXT_RSPACK) environment.TURBOPACK ??= 'auto';
}

/** Half of the machine's memory for compilers, as `next dev` has it, unless somebody chose. */
function memoryOption(): string[] {
  if (/--max[-_]old[-_]space[-_]size/.test(process.env.NODE_OPTIONS ?? '')) return [];
  if (process.env.NEXT_DISABLE_MEM_OVERRIDE) return [];
  return [`--max-old-space-size=${Math.floor(totalmem() / 2 ** 21)}`];
}
