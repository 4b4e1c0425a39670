import { currentContext } from 'next-puff/next';

const globals = globalThis as { fixtureEvents?: string[] };
globals.fixtureEvents ??= [];
const events = globals.fixtureEvents;

/** Notes something for the test, which reads it at /api/recorded. */
export function record(event: string): void {
  events.push(event);
}

export function recorded(): string[] {
  return events;
}

/** What the test wants to know about the context of the calling code. */
export function contextName(): string {
  const context = currentContext();
  return context ? `${context.kind} ${context.name}` : 'no context';
}

/** Settles when the calling code's signal aborts, and records why. */
export function untilAborted(label: string): Promise<never> {
  const signal = currentContext()?.signal;
  record(`${label}: waiting`);
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => {
      record(`${label}: ${(signal.reason as { code: string }).code}`);
      reject(signal.reason);
    });
  });
}
