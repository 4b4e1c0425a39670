import type { JobFailure } from './store.js';

/** Longer texts are cut: a record is no place for dumps. */
const MAX_MESSAGE = 10_000;
const MAX_STACK = 20_000;

/** What is kept of whatever a task threw. */
export function failureOf(error: unknown): JobFailure {
  if (!(error instanceof Error)) return { name: 'Error', message: storable(describe(error)) };
  const { name, message, stack, code } = error as Error & { code?: unknown };
  return {
    name: storable(String(name)),
    message: storable(String(message)),
    ...(typeof stack === 'string' && { stack: storable(stack, MAX_STACK) }),
    ...(typeof code === 'string' && { code: storable(code) }),
  };
}

/** A text that every store can keep: without NUL, which PostgreSQL has not, and without half characters. */
export function storable(text: string, maxLength = MAX_MESSAGE): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)} ...` : text;
  return cut.replaceAll('\0', '\u2400').replace(/\p{Surrogate}/gu, '\ufffd');
}

function describe(thrown: unknown): string {
  try {
    return typeof thrown === 'object' ? JSON.stringify(thrown) : String(thrown);
  } catch {
    return 'something that is no error';
  }
}
