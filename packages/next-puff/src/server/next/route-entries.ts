import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  SITE_MANIFEST_PATH,
  SITE_MANIFEST_VERSION,
  type SiteManifest,
  type SiteRoute,
} from '../adapter/site-manifest.js';
import type { RouteModule } from './next-internals.js';

/** The module that Next.js has built for a route. */
export interface RouteEntry {
  readonly route: SiteRoute;
  readonly routeModule: RouteModule;
}

/** What the build has left for the server; nothing if it was made without `withPuff`. */
export function readSite(distDir: string): SiteManifest | undefined {
  let text: string;
  try {
    text = readFileSync(join(distDir, SITE_MANIFEST_PATH), 'utf8');
  } catch {
    return undefined;
  }
  const site = JSON.parse(text) as SiteManifest;
  const buildId = readFileSync(join(distDir, 'BUILD_ID'), 'utf8').trim();
  // That of another build says nothing about this one.
  return site.version === SITE_MANIFEST_VERSION && site.buildId === buildId ? site : undefined;
}

/**
 * Loads the modules of an app's route handlers and runs what their authors wrote at the top level, so
 * that first requests do not wait for it. One that cannot be loaded is left to its first request, which
 * reports the error as Next.js does.
 */
export async function loadRouteHandlers(
  distDir: string,
  site: SiteManifest,
): Promise<RouteEntry[]> {
  const require = createRequire(join(distDir, 'package.json'));
  const entries: RouteEntry[] = [];
  for (const route of site.routes) {
    if (route.kind !== 'appRoute' || !route.isDirect) continue;
    try {
      const entry = (await require(join(distDir, route.entry))) as {
        routeModule?: RouteModule;
        patchFetch?: () => void;
      };
      // Before the author's code can take a hold of `fetch`.
      entry.patchFetch?.();
      await entry.routeModule?.ensureUserland();
      if (entry.routeModule) entries.push({ route, routeModule: entry.routeModule });
    } catch {}
  }
  return entries;
}
