// The build puts this into route files as well: it must not bring all of `task.ts` with it.

/** What only tasks have, also those of another copy of `task.ts`: a bundler may have made one. */
export const BRAND: unique symbol = Symbol.for('next-puff.task') as never;

/** A value with the brand. */
interface Branded {
  named(origin: string): void;
}

/** Whether a value is a task. */
export function isTask(value: unknown): value is Branded {
  return typeof value === 'object' && value !== null && BRAND in value;
}

/**
 * Names what a module exports after its place, if it is a task; the build calls it.
 *
 * @param origin file and export, for example `tasks/mail#sendMail`
 * @returns the value
 */
export function puffTask<Value>(origin: string, value: Value): Value {
  if (isTask(value)) value.named(origin);
  return value;
}
