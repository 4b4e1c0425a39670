import { AsyncLocalStorage } from 'node:async_hooks';
import { InternalError } from '../errors.js';
import type { ClientRequest, DataLoader } from './client-internals.js';

/** A query that was asked for while `toSql` listened. */
export interface Captured {
  request: ClientRequest;
  /** The loader of the client that it was made with. */
  loader: DataLoader;
}

/** One call of `toSql`: takes the query that is asked for while it listens. */
interface Capture {
  isListening: boolean;
  captured: Captured | undefined;
}

// One storage per process, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.prisma.captures');
const globals = globalThis as { [KEY]?: AsyncLocalStorage<Capture> };
globals[KEY] ??= new AsyncLocalStorage<Capture>();
const captures: AsyncLocalStorage<Capture> = globals[KEY];

/**
 * Runs a function and returns the query that Prisma asked for before it returned.
 *
 * Nothing that the function starts reaches the database, not even later.
 */
export function capture(fn: () => void): Captured | undefined {
  const own: Capture = { isListening: true, captured: undefined };
  captures.run(own, fn);
  own.isListening = false;
  return own.captured;
}

/** Takes a query when `toSql` made the calling code ask for it; the query must not run then. */
export function isCaptured(request: ClientRequest, loader: DataLoader): boolean {
  const running = captures.getStore();
  if (running === undefined) return false;
  if (running.isListening) running.captured = { request, loader };
  return true;
}

/** Fails where a captured query got past the hook in its client, for example of another copy of Prisma. */
export function forbidIO(): void {
  if (captures.getStore() === undefined) return;
  throw new InternalError('A query that was given to toSql was about to run.', {
    operation: 'toSql',
  });
}
