// First: it prepares what the others load.
import './next/environment.js';

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { resolve } from 'node:path';
import { calls } from '../boundary/calls.js';
import { expectClients } from '../context/client-connection.cjs';
import { answerSockets, expectSockets } from '../websocket/answer-sockets.js';
import { socketRoutesOf } from '../websocket/next-routes.js';
import { nextScopeOf } from '../websocket/next-scope.js';
import { Exchanges } from './exchange/exchanges.js';
import { serveGraphqlRoutes } from './graphql-routes.js';
import type { IsolateOptions, RunningIsolate } from './isolate-types.js';
import { attach, detach, disableCompression } from './native-server.js';
import { DirectRoutes } from './next/direct-routes.js';
import {
  type NextHandlers,
  type NextOptions,
  type RequireNext,
  requireNextOf,
  startNext,
} from './next/request-handlers.js';
import { loadRouteHandlers, readSite } from './next/route-entries.js';
import { startTasks } from './tasks.js';
import { withTunnels } from './tunnel/tunnels.js';

/**
 * Starts Next.js in this isolate (the main thread or a worker thread) and lets it answer the requests
 * of a native server.
 */
export async function startIsolate(options: IsolateOptions): Promise<RunningIsolate> {
  expectClients();
  expectSockets();
  // It never listens; Next.js, shortcuts and subscribers of Node's channels expect one.
  const server = createServer();
  const nextOptions = { ...options, server };
  const requireNext = requireNextOf(options.directory);
  const next = await startNext(nextOptions, requireNext);
  if (options.isDev && !next.inner.nextConfig.compress) disableCompression(options.server);
  const routes = await findDirectRoutes(next, nextOptions, requireNext, options.server);
  const exchanges = new Exchanges(calls().boundary, server, (request) => {
    const route = routes?.find(request);
    if (route) route.answer(exchanges, request);
    else exchanges.open(request).run((incoming, outgoing) => void answer(next, incoming, outgoing));
  });
  answerSockets({
    routes: socketRoutesOf(next.inner, options),
    scope: nextScopeOf(requireNext),
    origin: `${options.hostname ?? 'localhost'}:${options.port}`,
    isDev: options.isDev,
  });
  attach(options.server, withTunnels(exchanges, next.upgrade));
  const tasks = startTasks(next, options);
  return {
    distDir: next.distDir,
    restartsWhenFull: next.restartsWhenFull,
    drainTasks: () => tasks.drain(),
    drain: async () => {
      // What is being answered keeps the isolate alive, not only what is to come.
      calls().hold();
      detach(options.server);
      await exchanges.idle();
      await next.close();
      calls().unhold();
    },
  };
}

async function findDirectRoutes(
  next: NextHandlers,
  options: NextOptions,
  requireNext: RequireNext,
  server: number,
): Promise<DirectRoutes | undefined> {
  if (options.isDev) return undefined;
  const distDir = resolve(options.directory, next.distDir);
  const site = readSite(distDir);
  if (site === undefined) return undefined;
  const entries = await loadRouteHandlers(distDir, site);
  await serveGraphqlRoutes(server, distDir, entries);
  return DirectRoutes.of({ next, options, requireNext, site, entries });
}

/** As the request listener of `next start`. */
async function answer(
  next: NextHandlers,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await next.handle(request, response);
  } catch (error) {
    console.error(`Failed to handle request for ${request.url}`);
    console.error(error);
    if (!response.headersSent) response.statusCode = 500;
    if (!response.writableEnded) response.end('Internal Server Error');
  }
}
