import { resolve } from 'node:path';
import { CACHE_VARIABLE } from '../cache/next/activation.js';
import { PuffError } from '../errors.js';
import { findNext } from '../next/next-installation.js';
import { closePools } from '../postgres/statements.js';
import { say } from '../report.js';
import { announce, serverUrls } from './announcement.js';
import { watchForRestarts } from './dev/restarts.js';
import { startIsolate } from './isolate.js';
import type { IsolateOptions } from './isolate-types.js';
import { nativeConfigOf } from './native-config.js';
import {
  closeServer,
  type DrainReport,
  drainServer,
  enforceSecondSignal,
  type NativeServer,
  openSite,
  startNativeServer,
} from './native-server.js';
import {
  RESTART_EXIT_CODE,
  type ServeOptions,
  type ServerReport,
  shutdownLimits,
} from './serve-options.js';
import {
  type EndingSignal,
  exitCodeOf,
  onEndingSignal,
  runStages,
  type ShutdownStage,
} from './shutdown.js';
import { Workers } from './workers.js';

/** Ports that are tried when the first one is taken, as `next dev` does. */
const PORTS_TO_TRY = 10;

/** How long the native server may take for what it cuts off, beyond its own limits. */
const ABORT_MS = 2_000;

/** What answers requests: this thread's isolate, or the workers. */
interface Answering {
  /** Where Next.js' build is, below the app's folder. */
  distDir: string;
  signal?(signal: EndingSignal): void;
  drainTasks(): Promise<void>;
  drain(): Promise<void>;
}

/**
 * Serves an app in this process until a signal ends it: the native server listens, Next.js answers on
 * this thread or in workers.
 *
 * @throws PuffError `PUFF_PORT_IN_USE`, `PUFF_NOT_BUILT`, `PUFF_WORKER_START`; or what keeps Next.js
 *   from starting
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { directory, isDev, hostname, workers } = options;
  const next = findNext(directory);
  process.title = `next-puff (Next.js ${next.version})`;
  next.loadEnv(directory, isDev, { info: () => {}, error: (...parts) => say(parts.join(' ')) });

  // For the isolates and the native server to share Next.js' caches.
  if (!isDev) process.env[CACHE_VARIABLE] ??= '1';

  const server = await listen(options);
  const [address = ''] = server.addresses;
  const port = Number(/\d+$/.exec(address)?.[0]);
  const protocol = options.server.tls ? 'https' : 'http';
  process.send?.({ port } satisfies ServerReport);

  let answering: Answering | undefined;
  const end = async (signal: EndingSignal) => {
    if (answering) await shutDown(options, server, answering, signal);
    process.exit(exitCodeOf(signal));
  };
  // The app itself may want to see to signals, as under `next start`.
  if (!process.env.NEXT_MANUAL_SIG_HANDLE) {
    onEndingSignal((signal) => void end(signal), !options.hasParent);
    if (!options.hasParent) enforceSecondSignal();
  }

  answering = await startAnswering(options, {
    server: server.id,
    directory,
    isDev,
    protocol,
    hostname,
    port,
    isolates: workers,
  });
  if (!isDev) serveSite(options, server, answering.distDir);
  announce({
    nextVersion: next.version,
    details: detailsOf(isDev, workers),
    urls: serverUrls(protocol, hostname, address),
    tookMs: performance.now(),
  });
}

async function startAnswering(options: ServeOptions, isolate: IsolateOptions): Promise<Answering> {
  const {
    directory,
    isDev,
    workers: count,
    workerMemoryMb: memoryMb,
    workerStuckMs: stuckMs,
  } = options;
  try {
    if (count > 1) return await Workers.start({ isolate, count, memoryMb, stuckMs });
    const running = await startIsolate(isolate);
    if (isDev) {
      const { distDir, restartsWhenFull } = running;
      // Clients of WebSockets are told, so that they connect again.
      const restart = () => {
        const { tasksMs: _, backgroundMs: __, poolsMs: ___, ...limits } = shutdownLimits(options);
        const drained = [drainServer(isolate.server, limits), running.drainTasks()];
        void Promise.allSettled(drained).finally(() => process.exit(RESTART_EXIT_CODE));
      };
      watchForRestarts({ directory, distDir, restartsWhenFull, restart });
    }
    return running;
  } catch (error) {
    const { message = '' } = error as { message?: string };
    if (!message.includes('Could not find a production build')) throw error;
    throw new PuffError('PUFF_NOT_BUILT', `The app in ${directory} is not built.`, {
      cause: error,
      hint: 'Build it first: next-puff build',
      operation: 'start',
    });
  }
}

async function listen(options: ServeOptions): Promise<NativeServer> {
  const { port, mayChangePort } = options;
  const last = mayChangePort && port > 0 ? port + PORTS_TO_TRY : port;
  for (let tried = port; ; tried++) {
    try {
      const server = await startNativeServer(nativeConfigOf(options, tried));
      if (tried !== port) say(`port ${port} is in use, so the app is on ${tried}`);
      return server;
    } catch (error) {
      const isTaken = (error as { code?: unknown }).code === 'PUFF_PORT_IN_USE';
      if (!isTaken || tried >= last) throw error;
    }
  }
}

async function shutDown(
  options: ServeOptions,
  server: NativeServer,
  answering: Answering,
  signal: EndingSignal,
): Promise<void> {
  const { tasksMs, backgroundMs, poolsMs, ...limits } = shutdownLimits(options);
  answering.signal?.(signal);
  // From now on, while requests are still answered.
  const tasks = answering.drainTasks();
  const serverMs = limits.delayMs + Math.max(limits.requestsMs, limits.socketsMs) + ABORT_MS;
  const stages: ShutdownStage[] = [
    {
      name: 'requests and WebSockets',
      limitMs: serverMs,
      run: async () => lossesOf(await drainServer(server.id, limits)),
    },
    { name: 'tasks', limitMs: tasksMs, run: () => tasks },
    { name: 'after() and waitUntil', limitMs: backgroundMs, run: () => answering.drain() },
    { name: 'pools', limitMs: poolsMs, run: closePools },
  ];
  await runStages(stages, !options.isDev);
  closeServer(server.id);
}

function lossesOf({ lostRequests, lostSockets }: DrainReport): string | undefined {
  const losses = [
    ...(lostRequests > 0 ? [`${lostRequests} requests were given up`] : []),
    ...(lostSockets > 0 ? [`${lostSockets} WebSockets were cut off`] : []),
  ];
  return losses.length > 0 ? losses.join(', ') : undefined;
}

/** Has the native server answer what it can by itself. */
function serveSite({ directory }: ServeOptions, server: NativeServer, distDir: string): void {
  const site = { projectDir: directory, distDir: resolve(directory, distDir) };
  const obstacle = openSite(server.id, site);
  if (obstacle) say(`files and prerenders are served by Next.js, which is slower: ${obstacle}`);
}

function detailsOf(isDev: boolean, workers: number): string | undefined {
  if (!isDev) return workers > 1 ? `${workers} workers` : undefined;
  if (process.env.NEXT_RSPACK) return 'Rspack';
  return process.env.TURBOPACK ? 'Turbopack' : 'webpack';
}
