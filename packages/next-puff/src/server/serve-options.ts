import { availableParallelism } from 'node:os';
import type { ServerConfig, ShutdownConfig } from '../config/server-config.cjs';
import { taskShutdownMs } from '../tasks/worker-limits.js';

/**
 * How an app is served: the command line and `puff.config.*` decide it, and the process that serves it
 * is given it as JSON.
 */
export interface ServeOptions {
  /** The app's folder. */
  directory: string;
  /** Whether Next.js' development server runs. */
  isDev: boolean;
  /** Where to listen; every address of the machine without it. */
  hostname?: string | undefined;
  /** 0 is any free one. */
  port: number;
  /** Whether one of the following ports will do when this one is taken. */
  mayChangePort: boolean;
  /** 1: Next.js runs on the main thread. More: in so many worker threads, which the main thread watches. */
  workers: number;
  /** Memory that the JavaScript of one worker may hold; Node.js' own limit without it. */
  workerMemoryMb?: number | undefined;
  /** How long the event loop of a worker may stand still before it is replaced; 0 for ever. */
  workerStuckMs: number;
  /** Whether the process that started this one passes signals on and kills it at the second. */
  hasParent: boolean;
  /** Everything else. */
  server: ServerConfig;
}

/** What a command line or an environment says; it comes before what `puff.config.*` says. */
export interface ServeArguments {
  directory: string;
  hostname?: string | undefined;
  port?: number | undefined;
  workers?: number | 'auto' | undefined;
  workerMemoryMb?: number | undefined;
  keepAliveMs?: number | undefined;
}

/** How that process says that it wants to be started again; as Next.js' own servers. */
export const RESTART_EXIT_CODE = 77;

/** What the process that serves an app tells the one that started it. */
export interface ServerReport {
  /** Where it listens, so that a restart listens there again. */
  port: number;
}

const DEFAULT_PORT = 3000;
/** Longer than anything that is meant to end takes, and than requests wait. */
const DEFAULT_STUCK_MS = 60_000;
/** To abort tasks and give their jobs back. */
const GIVE_BACK_MS = 5_000;

/** Puts together how an app is served. */
export function serveOptionsOf(
  args: ServeArguments,
  config: ServerConfig,
  { isDev, hasParent }: { isDev: boolean; hasParent: boolean },
): ServeOptions {
  const port = args.port ?? config.port;
  const workers = args.workers ?? config.workers ?? 1;
  const { keepAliveMs } = args;
  return {
    directory: args.directory,
    isDev,
    hostname: args.hostname ?? config.hostname,
    port: port ?? DEFAULT_PORT,
    mayChangePort: isDev && port === undefined,
    // A development server compiles in the thread that serves; two would compile twice.
    workers: isDev ? 1 : workers === 'auto' ? availableParallelism() : workers,
    workerMemoryMb: args.workerMemoryMb ?? config.workerMemoryMb,
    workerStuckMs: config.workerStuckMs ?? DEFAULT_STUCK_MS,
    hasParent,
    server:
      keepAliveMs === undefined
        ? config
        : { ...config, timeouts: { ...config.timeouts, keepAliveMs } },
  };
}

/** The limits of shutting down, complete. */
export function shutdownLimits({
  server,
  isDev,
}: ServeOptions): Required<ShutdownConfig> & { tasksMs: number } {
  // The worker keeps to its own bound; this is for one that does not.
  const tasksMs = taskShutdownMs(isDev) + GIVE_BACK_MS;
  // Whoever develops wants the terminal back.
  if (isDev)
    return {
      delayMs: 0,
      idleMs: 0,
      requestsMs: 0,
      socketsMs: 200,
      backgroundMs: 1_000,
      poolsMs: 500,
      tasksMs,
    };
  return {
    delayMs: 0,
    idleMs: 1_000,
    requestsMs: 15_000,
    socketsMs: 2_000,
    backgroundMs: 10_000,
    poolsMs: 3_000,
    tasksMs,
    ...server.shutdown,
  };
}
