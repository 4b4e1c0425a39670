// Route handlers and `instrumentation.ts` are bundled apart.
const globals = globalThis as { fixtureLog?: string[] };
globals.fixtureLog ??= [];

/** What handlers have noted, in order. */
export const log: string[] = globals.fixtureLog;
