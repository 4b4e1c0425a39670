import { watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { settings } from '../config/settings.js';
import { tellOfOrphanTasks } from '../next/task-carrier.js';
import { taskFolders } from '../next/transform/tasks.js';
import { reportError } from '../report.js';
import { closeTaskStore, openStore } from '../tasks/open-store.js';
import { registeredTasks } from '../tasks/registry.js';
import {
  presentWorker,
  refreshWorker,
  startWorker,
  type WorkerOptions,
} from '../tasks/task-worker.js';
import { taskConcurrency, taskShutdownMs } from '../tasks/worker-limits.js';
import { countQueues } from '../tasks/worker-numbers.js';
import { taskRouteLoader } from '../websocket/next-routes.js';
import type { IsolateOptions } from './isolate-types.js';
import type { NextHandlers } from './next/request-handlers.js';

/** The tasks of an isolate. */
export interface IsolateTasks {
  /** Takes no more; resolves when those that run have ended, or were given back. */
  drain(): Promise<void>;
}

/** Between tries to reach a store that cannot be reached at the start. */
const RETRY_MS = 5_000;
/** Editors write a file in several steps. */
const SETTLE_MS = 100;

/** What of an isolate's options matters for its tasks. */
export type TaskIsolateOptions = Pick<IsolateOptions, 'directory' | 'isDev' | 'isolates'>;

/**
 * Has an isolate work on the tasks of the app, whose route handlers are loaded. It does not wait for the store: a server
 * answers requests without it, and a store that cannot be reached is tried again.
 */
export function startTasks(next: NextHandlers, options: TaskIsolateOptions): IsolateTasks {
  const ending = new AbortController();
  const starting =
    settings().tasks.worker === false ? undefined : start(next, options, ending.signal);
  return {
    drain: async () => {
      ending.abort();
      await starting;
      const worker = await presentWorker()?.catch(() => undefined);
      await worker?.stop({ timeoutMs: taskShutdownMs(options.isDev) });
      await closeTaskStore();
    },
  };
}

async function start(
  next: NextHandlers,
  options: TaskIsolateOptions,
  ending: AbortSignal,
): Promise<void> {
  const { directory, isDev, isolates } = options;
  const reload = isDev ? taskRouteLoader(next.inner, directory) : undefined;
  try {
    await reload?.();
  } catch (error) {
    reportError(error, 'the tasks cannot be loaded');
  }
  const hasTasks = registeredTasks().length > 0 || (settings().tasks.files?.length ?? 0) > 0;
  if (!hasTasks) {
    tellOfOrphanTasks(directory);
    if (!isDev || reload === undefined) return;
  }
  const concurrency = Math.ceil(taskConcurrency() / isolates);
  const deployedAt = isDev ? undefined : await builtAt(resolve(directory, next.distDir));
  await beginWork({ concurrency, deployedAt, reload }, ending);
  if (ending.aborted) return;
  countQueues(await openStore(), ending);
  if (reload !== undefined) watchTasks(directory, reload, ending);
}

/** Starts the worker of this isolate, again and again while its store cannot be reached. */
export async function beginWork(options: WorkerOptions, ending: AbortSignal): Promise<void> {
  while (!ending.aborted) {
    try {
      await startWorker(options);
      return;
    } catch (error) {
      reportError(error, `tasks are not worked on, trying again in ${RETRY_MS / 1000} s`);
      await new Promise<void>((done) => {
        setTimeout(done, RETRY_MS).unref();
        ending.addEventListener('abort', () => done(), { once: true });
      });
    }
  }
}

/** Has the worker know what has changed in the files of the tasks, above all their schedules. */
function watchTasks(directory: string, reload: () => Promise<void>, ending: AbortSignal): void {
  let timer: NodeJS.Timeout | undefined;
  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      reload()
        .then(refreshWorker)
        .catch((error: unknown) => reportError(error, 'the tasks cannot be loaded'));
    }, SETTLE_MS);
  };
  for (const folder of taskFolders(directory)) {
    watch(folder, { recursive: true, signal: ending, persistent: false }, changed).on(
      'error',
      () => {},
    );
  }
}

/** When the app was built: what its schedules are compared by with those of other deployments. */
export async function builtAt(distDir: string): Promise<Date | undefined> {
  try {
    return (await stat(join(distDir, 'BUILD_ID'))).mtime;
  } catch {
    return undefined;
  }
}
