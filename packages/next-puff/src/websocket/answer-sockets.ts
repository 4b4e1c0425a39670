import type { UpgradeHandler } from './handler.js';
import { listenForSockets } from './native-sockets.js';
import type { NextScope } from './next-scope.js';
import type { SocketRoutes } from './socket-routes.js';
import { SocketRun } from './socket-run.js';
import { SocketServer } from './socket-server.js';

/** How long handlers stay what they are before they are compared with their files, in development. */
const WATCH_INTERVAL_MS = 1000;

// Per isolate, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.answers-sockets');
const globals = globalThis as { [KEY]?: boolean };

/** Says, before routes are loaded, that this isolate will answer sockets. */
export function expectSockets(): void {
  globals[KEY] = true;
}

/** Whether this isolate answers sockets, or will. */
export function answersSockets(): boolean {
  return globals[KEY] === true;
}

/** How sockets are answered. */
export interface AnswerSocketsOptions {
  routes: SocketRoutes;
  /** Has Next.js know the handshake while a handler runs. */
  scope: NextScope;
  /** Where the app is if a client names no host, for example `localhost:3000`. */
  origin: string;
  /** Whether handlers may be replaced. */
  isDev: boolean;
}

/**
 * Has handshakes answered by the handlers of routes.
 *
 * A handler runs in a request context without a deadline, and so do its listeners; the context's signal
 * aborts when the socket ends. In development the sockets of a handler that was replaced are closed with
 * 1012, so that their clients connect again.
 */
export function answerSockets({ routes, scope, origin, isDev }: AnswerSocketsOptions): void {
  expectSockets();
  const host = { server: new SocketServer(), routes, scope, origin };
  let isWatching = false;
  const runs = listenForSockets((native) => {
    const run = new SocketRun(native.id, host);
    void run.start(native);
    if (isDev && !isWatching) watch();
    return run;
  });

  function watch(): void {
    isWatching = true;
    const timer = setTimeout(async () => {
      await restartReplaced(runs.values());
      isWatching = false;
      if (runs.size > 0) watch();
    }, WATCH_INTERVAL_MS);
    timer.unref();
  }
}

/** Closes the sockets whose handlers are not those of their files any more. */
async function restartReplaced(runs: Iterable<SocketRun>): Promise<void> {
  const handlers = new Map<string, Promise<UpgradeHandler | undefined>>();
  for (const run of runs) {
    const { pathname, handler, reload } = run.route ?? {};
    if (pathname === undefined || reload === undefined) continue;
    const reloading = handlers.get(pathname) ?? reload();
    handlers.set(pathname, reloading);
    try {
      if ((await reloading) !== handler) run.restart();
    } catch {
      // It cannot be compiled at the moment, and may be again.
    }
  }
}
