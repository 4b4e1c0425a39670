import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { UpgradeHandler } from '../tunnel/tunnels.js';
import type { IncrementalCache } from './next-internals.js';

/** How Next.js is started. */
export interface NextOptions {
  directory: string;
  isDev: boolean;
  /** Where the server listens, as the app is to see it. */
  protocol: 'http' | 'https';
  hostname: string | undefined;
  port: number;
  /** Stands for the server, which is not Node's. */
  server: Server;
}

/** Answers a request. It rejects when it could not. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Next.js, ready to answer. */
export interface NextHandlers {
  handle: RequestHandler;
  upgrade: UpgradeHandler;
  /** Below the app's folder. */
  distDir: string;
  /** Next.js' own server object, for what is called past its request handler. */
  inner: InnerServer;
  /** As `experimental.devMemoryThresholdRestart` says; only for development. */
  restartsWhenFull: boolean;
  /** Waits for what requests have left to do (`after`), and ends what development keeps open. */
  close(): Promise<void>;
}

/** `NextNodeServer`, as far as it is used here. */
export interface InnerServer {
  readonly nextConfig: { compress: boolean };
  getIncrementalCache(options: { requestHeaders: object }): Promise<IncrementalCache>;
}

/** `getRequestHandlers` of `next/dist/server/lib/start-server.js`. */
interface StartServer {
  getRequestHandlers(options: object): Promise<{
    requestHandler: RequestHandler;
    upgradeHandler: UpgradeHandler;
    server: { close(): Promise<void>; server: InnerServer };
    closeUpgraded(): void;
    distDir: string;
    devMemoryThresholdRestart: boolean;
  }>;
}

/** Loads modules of the Next.js that an app has installed. */
export type RequireNext = (name: string) => unknown;

/** @returns what loads a module of the app's own Next.js by its path below `next/` */
export function requireNextOf(directory: string): RequireNext {
  const require = createRequire(join(directory, 'package.json'));
  return (name) => require(`next/${name}`);
}

/**
 * Starts Next.js in this isolate, as `next start` or `next dev` do after they have begun to listen:
 * the same functions of Next.js are called with the same arguments, so that answers are the same.
 */
export async function startNext(
  options: NextOptions,
  requireNext: RequireNext,
): Promise<NextHandlers> {
  const { directory, isDev, protocol, hostname, port, server } = options;
  const environment = process.env as Record<string, string | undefined>;
  environment.NODE_ENV ??= isDev ? 'development' : 'production';
  environment.PORT = String(port);
  environment.__NEXT_PRIVATE_ORIGIN = `${protocol}://${originHost(hostname)}:${port}`;
  leaveCompressionToServer(directory);

  const { getRequestHandlers } = requireNext('dist/server/lib/start-server') as StartServer;
  const cleanups = new Set<() => Promise<void>>();
  const handlers = await getRequestHandlers({
    dir: directory,
    port,
    hostname,
    isDev,
    server,
    onDevServerCleanup: isDev ? (cleanup: () => Promise<void>) => cleanups.add(cleanup) : undefined,
  });
  return {
    handle: handlers.requestHandler,
    upgrade: handlers.upgradeHandler,
    distDir: handlers.distDir,
    inner: handlers.server.server,
    restartsWhenFull: isDev && handlers.devMemoryThresholdRestart,
    close: async () => {
      if (isDev) handlers.closeUpgraded();
      await Promise.all([handlers.server.close(), ...[...cleanups].map((cleanup) => cleanup())]);
    },
  };
}

/** Where Next.js finds itself, as `start-server.js` says it. */
function originHost(hostname: string | undefined): string {
  if (hostname === undefined || hostname === '0.0.0.0') return 'localhost';
  if (hostname === '::') return '[::1]';
  return hostname.includes(':') ? `[${hostname}]` : hostname;
}

/**
 * Answers leave JavaScript uncompressed: the native server compresses them, with better methods and on
 * threads of its own. Next.js asks the package `compression` for a middleware; it gets one that does
 * nothing. `compress: false` in the app's config still holds for the native server, too.
 */
function leaveCompressionToServer(directory: string): void {
  const require = createRequire(join(directory, 'package.json'));
  const file = require.resolve('next/dist/compiled/compression');
  const compression = () => (_request: unknown, _response: unknown, next: () => void) => next();
  require.cache[file] = Object.assign(Object.create(null), {
    id: file,
    filename: file,
    loaded: true,
    exports: compression,
    children: [],
    paths: [],
  });
}
