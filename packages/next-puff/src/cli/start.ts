import { serveOptionsOf } from '../server/serve-options.js';
import type { CliCommand } from './command.js';
import { readNextArguments } from './next-arguments.js';
import {
  inspectOption,
  SHARED_ENVIRONMENT,
  serve,
  serveHere,
  serveWithNext,
  setNodeEnvironment,
} from './serve.js';
import { NEXT_OPTION, readStartArguments } from './serve-arguments.js';
import { peekConfiguration } from './services.js';

/** `next-puff start`. */
export const start: CliCommand = {
  name: 'start',
  summary: 'serve the built app, with a database',
  help: `Usage: next-puff start [directory] [options]

Serves what \`next-puff build\` has built: the server of next-puff listens, and Next.js runs in the same
process. Set DATABASE_URL in production: without it the app runs on the embedded PostgreSQL, and a
warning says so.

Arguments
  directory                 the app (default: the current directory)

Options
  -p, --port <port>         port to listen on (default: 3000)
  -H, --hostname <host>     address to listen on (default: all of this machine)
      --workers <n>         run Next.js in n worker threads, or one per core with "auto" (default: 1, on
                            the main thread); one that crashes is replaced
      --worker-memory <MB>  memory that the JavaScript of a worker may hold before it is replaced
      --keepAliveTimeout <ms>  how long a connection may wait for its next request (default: 5000)
      --inspect [[host:]port]  let a debugger connect
      --next                use Next.js' own server, \`next start\`, which gets all other options

puff.config's \`server\` has all of these but the last two and more: TLS, limits, timeouts, trusted
proxies, access log, metrics, shutdown. Its \`server: false\` is --next.
${SHARED_ENVIRONMENT}

SIGTERM and Ctrl-C end it in good order: /readyz says 503, no more connections are accepted, running
requests are answered, WebSockets closed, running tasks done or given back, after() and waitUntil
done, the database's connections closed. A second signal kills it. The exit code is 128 + the signal's
number then, otherwise that of the server.

Examples
  next-puff build && DATABASE_URL=postgres://... next-puff start -p 8080
  next-puff start --workers auto --worker-memory 512
`,
  async run(args) {
    if (args.includes(NEXT_OPTION)) return serveWithNext('start', args);
    // The directory comes first: it says whether the rest is for Next.js.
    const configuration = peekConfiguration(readNextArguments(args).directory, false);
    const { server = {} } = configuration.config;
    if (server === false) return serveWithNext('start', args);
    const { inspect, ...rest } = readStartArguments(args);
    setNodeEnvironment(false);
    // A process that waits for another costs memory: it is there for Node.js' own options, and to stop the database.
    const hasParent = inspect !== undefined || configuration.databaseUrl === undefined;
    const options = serveOptionsOf(rest, server, { isDev: false, hasParent });
    return hasParent
      ? serve({ configuration, options, execArgv: inspectOption(inspect) })
      : serveHere({ configuration, options });
  },
};
