import { createRequire } from 'node:module';

interface WorkUnitStorage {
  getStore(): { type: string } | undefined;
}

/**
 * Next.js's own record of what it is doing. It is not documented, so its absence is no error: then
 * only `next build` is known to prerender.
 */
const workUnits = loadWorkUnitStorage();

function loadWorkUnitStorage(): WorkUnitStorage | undefined {
  try {
    const module = createRequire(import.meta.url)(
      'next/dist/server/app-render/work-unit-async-storage.external.js',
    ) as { workUnitAsyncStorage?: WorkUnitStorage };
    return module.workUnitAsyncStorage;
  } catch {
    return undefined;
  }
}

/**
 * Whether Next.js runs the calling code to produce something it will keep, at build time or when it
 * revalidates, instead of an answer for one client.
 */
export function isPrerendering(): boolean {
  const unit = workUnits?.getStore();
  if (unit) return unit.type.startsWith('prerender');
  return process.env.NEXT_PHASE === 'phase-production-build';
}

/** Whether an error is Next.js's way to redirect, thrown by `redirect()` or `permanentRedirect()`. */
export function isRedirect(error: unknown): boolean {
  const digest = (error as { digest?: unknown } | null | undefined)?.digest;
  return typeof digest === 'string' && digest.startsWith('NEXT_REDIRECT;');
}
