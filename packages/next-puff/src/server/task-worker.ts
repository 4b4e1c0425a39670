// The program behind `next-puff worker`: works on tasks and answers no requests.
import './next/environment.js';

import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { settings } from '../config/settings.js';
import { PuffError } from '../errors.js';
import { findNext } from '../next/next-installation.js';
import { closePools } from '../postgres/statements.js';
import { reportError, say } from '../report.js';
import { closeTaskStore } from '../tasks/open-store.js';
import { registeredTasks } from '../tasks/registry.js';
import { presentWorker } from '../tasks/task-worker.js';
import { taskConcurrency, taskShutdownMs } from '../tasks/worker-limits.js';
import { type NextHandlers, requireNextOf, startNext } from './next/request-handlers.js';
import { loadRouteHandlers, readSite } from './next/route-entries.js';
import { exitCodeOf, onEndingSignal, runStages } from './shutdown.js';
import { serveTaskHealth } from './task-health.js';
import { beginWork, builtAt } from './tasks.js';

/** What the command line says. */
export interface TaskWorkerOptions {
  /** The app's folder. */
  directory: string;
  queues?: readonly string[] | undefined;
  concurrency?: number | undefined;
  /** Where `/healthz`, `/readyz` and `/metrics` are; nowhere without it. */
  healthPort?: number | undefined;
}

/** To abort runs and give their jobs back, beyond what they get to end. */
const GIVE_BACK_MS = 5_000;
const BACKGROUND_MS = 10_000;
const POOLS_MS = 3_000;

try {
  await run(JSON.parse(process.argv[2] as string) as TaskWorkerOptions);
} catch (error) {
  reportError(error);
  process.exit(1);
}

async function run({ directory, queues, concurrency, healthPort }: TaskWorkerOptions) {
  const ending = new AbortController();
  let next: NextHandlers | undefined;
  const health = healthPort === undefined ? undefined : await serveTaskHealth(healthPort);
  // It has a parent, which passes signals on and kills by itself.
  onEndingSignal((signal) => {
    ending.abort();
    const stages = [
      { name: 'tasks', limitMs: taskShutdownMs() + GIVE_BACK_MS, run: stopWork },
      { name: 'after() and waitUntil', limitMs: BACKGROUND_MS, run: async () => next?.close() },
      { name: 'pools', limitMs: POOLS_MS, run: closePools },
    ];
    void runStages(stages, true).finally(() => process.exit(exitCodeOf(signal)));
  }, false);
  next = await loadApp(directory);
  const deployedAt = next && (await builtAt(resolve(directory, next.distDir)));
  // What waits for the store keeps nothing else alive.
  const alive = setInterval(() => {}, 60_000);
  ending.signal.addEventListener('abort', () => clearInterval(alive));
  await beginWork({ queues, concurrency, deployedAt }, ending.signal);
  const worker = await presentWorker();
  if (worker === undefined) return;
  say(
    `worker ${worker.id} knows ${registeredTasks().length} tasks and runs up to ${concurrency ?? taskConcurrency()} jobs at a time of ${worker.queues.join(', ')}${health === undefined ? '' : `; health on ${health}`}`,
  );
}

async function stopWork(): Promise<void> {
  await (await presentWorker()?.catch(() => undefined))?.stop();
  await closeTaskStore();
}

/** Loads the tasks of a built app, as its server would; nothing where there is only `tasks.files`. */
async function loadApp(directory: string): Promise<NextHandlers | undefined> {
  const hasFiles = (settings().tasks.files?.length ?? 0) > 0;
  const isBuilt =
    existsSync(join(directory, '.next')) || existsSync(join(directory, 'next.config.ts'));
  if (hasFiles && !isBuilt) return undefined;
  findNext(directory).loadEnv(directory, false, {
    info: () => {},
    error: (...parts) => say(parts.join(' ')),
  });
  const server = createServer();
  const next = await startNext(
    { directory, isDev: false, protocol: 'http', hostname: undefined, port: 0, server },
    requireNextOf(directory),
  ).catch((cause: unknown) => {
    throw new PuffError('PUFF_NOT_BUILT', `The app in ${directory} cannot be loaded.`, {
      cause,
      hint: 'Build it first: next-puff build. Without Next.js name the files: `tasks.files` of puff.config.',
      operation: 'worker',
    });
  });
  const distDir = resolve(directory, next.distDir);
  const site = readSite(distDir);
  if (site !== undefined) await loadRouteHandlers(distDir, site);
  if (registeredTasks().length === 0 && !hasFiles) {
    throw new PuffError('PUFF_NO_TASKS', `The app in ${directory} has no tasks.`, {
      hint: 'Mount taskRoutes() in a route handler, for example app/api/puff/tasks/route.ts, and build the app with withPuff.',
      operation: 'worker',
    });
  }
  return next;
}
