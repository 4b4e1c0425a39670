import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { serveGraphqlRoute } from '../graphql/route/native-route.js';
import { reportError } from '../report.js';
import type { RouteEntry } from './next/route-entries.js';

/**
 * Lets the native server answer the app's GraphQL routes, as far as that needs no JavaScript, and take
 * WebSockets to them. A schema that cannot be is said, and left to the requests, which fail with the same error.
 *
 * @param distDir what the build has written
 */
export async function serveGraphqlRoutes(
  server: number,
  distDir: string,
  entries: readonly RouteEntry[],
): Promise<void> {
  const { basePath, rsc } = readRoutesManifest(distDir);
  for (const { route, routeModule } of entries) {
    // The core knows a route by its path.
    if (route.page.includes('[')) continue;
    const path = `${basePath}${route.page}`;
    try {
      // With `trailingSlash` it is the second one; the other is redirected.
      for (const one of [path, `${path}/`]) {
        await serveGraphqlRoute(server, one, routeModule.userland, [['vary', rsc.varyHeader]]);
      }
    } catch (error) {
      reportError(error, `${path} is served without the native server and without WebSockets`);
    }
  }
}

function readRoutesManifest(distDir: string): { basePath: string; rsc: { varyHeader: string } } {
  return JSON.parse(readFileSync(join(distDir, 'routes-manifest.json'), 'utf8'));
}
