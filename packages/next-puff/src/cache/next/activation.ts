/** The environment variable that turns the shared cache on; `next-puff start` sets it. */
export const CACHE_VARIABLE = 'NEXT_PUFF_CACHE';

let reported = false;

/** Whether this isolate serves with the shared cache. A build keeps to Next.js' own files. */
export function usesSharedCache(): boolean {
  const { env } = process;
  return env[CACHE_VARIABLE] === '1' && env.NEXT_PHASE !== 'phase-production-build';
}

/** Says once why the shared cache is not used though it should be. */
export function reportUnavailable(error: unknown): void {
  if (reported) return;
  reported = true;
  const reason = error instanceof Error ? error.message : String(error);
  console.warn(`next-puff: every worker keeps a cache of its own, as Next.js does. ${reason}`);
}
