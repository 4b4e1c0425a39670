import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { TaskWorkerOptions } from '../server/task-worker.js';
import type { CliCommand } from './command.js';
import { readDirectory, readPort } from './next-arguments.js';
import { runNode } from './node-process.js';
import { setNodeEnvironment } from './serve.js';
import { peekConfiguration, startTaskServices } from './services.js';
import { UsageError } from './usage-error.js';

const PROGRAM = fileURLToPath(new URL('../server/task-worker.js', import.meta.url));
const QUEUE = /^[\w.-]{1,100}$/;

/** `next-puff worker`. */
export const worker: CliCommand = {
  name: 'worker',
  summary: 'work on background tasks, without serving requests',
  help: `Usage: next-puff worker [directory] [options]

Works on the tasks of the app that \`next-puff build\` has built, or of the files that \`tasks.files\` of
puff.config names, and listens nowhere. Servers work on tasks, too, unless \`tasks.worker\` is false.

Arguments
  directory              the app (default: the current directory)

Options
      --queues <a,b>     queues to serve (default: those of all tasks)
      --concurrency <n>  tasks at a time (default: tasks.concurrency, or four per core)
      --health-port <p>  answer /healthz, /readyz and /metrics there

Environment
  DATABASE_URL  PostgreSQL to use; also read from .env files and from puff.config's postgres.url
  REDIS_URL     Redis to keep tasks in, with BullMQ, in place of PostgreSQL

Without DATABASE_URL the embedded PostgreSQL is started, except where Redis keeps the tasks and the
project has no embedded PostgreSQL yet.

SIGTERM and Ctrl-C end it in good order: no more tasks are taken, those that run get tasks.shutdownMs to
end (default: 15 seconds), then they are aborted and given back for other workers.

Examples
  DATABASE_URL=postgres://... next-puff worker --concurrency 32 --health-port 9000
  next-puff worker --queues mail,reports
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        queues: { type: 'string' },
        concurrency: { type: 'string' },
        'health-port': { type: 'string' },
      },
    });
    if (positionals.length > 1) {
      throw new UsageError(
        `What is ${positionals[1]}?`,
        'One argument without a dash is the directory of the app.',
      );
    }
    const healthPort = values['health-port'];
    const options: TaskWorkerOptions = {
      directory: readDirectory(positionals[0]),
      queues: readQueues(values.queues),
      concurrency: readConcurrency(values.concurrency),
      healthPort: healthPort === undefined ? undefined : readPort(healthPort, '--health-port'),
    };
    const { directory } = options;
    setNodeEnvironment(false);
    const services = await startTaskServices(directory, peekConfiguration(directory, false));
    try {
      return await runNode(PROGRAM, [JSON.stringify(options)]);
    } finally {
      await services.stop();
    }
  },
};

function readQueues(text: string | undefined): string[] | undefined {
  const queues = text?.split(',').map((queue) => queue.trim());
  const wrong = queues?.find((queue) => !QUEUE.test(queue));
  if (wrong === undefined) return queues;
  throw new UsageError(`--queues: "${wrong}" is no queue.`, 'Separate several by commas: a,b.');
}

function readConcurrency(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number > 0) return number;
  throw new UsageError(`--concurrency needs a number from 1 to 99999, not "${text}".`);
}
