/** A value, or a promise of it. */
export type MaybePromise<T> = T | Promise<T>;

/** Whether a value is a promise, also one of another library or realm. */
export function isPromise<T>(value: unknown): value is Promise<T> {
  // Asked for every value: looking for `then` on a string or a number would be slow.
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return typeof (value as { then?: unknown }).then === 'function';
}

/** Waits for the promises among values, if there are any. */
export function settleAll<T>(values: MaybePromise<T>[]): MaybePromise<T[]> {
  return values.some(isPromise) ? Promise.all(values) : (values as T[]);
}

/** Lets promises that nobody waits for any more fail without ending the process. */
export function abandon(values: readonly unknown[]): void {
  void Promise.allSettled(values.filter(isPromise));
}

/** Goes on with a value, at once where it is there. */
export function whenReady<T, R>(
  value: MaybePromise<T>,
  next: (value: T) => MaybePromise<R>,
): MaybePromise<R> {
  // Not every thenable returns a promise from `then`.
  return isPromise<T>(value) ? Promise.resolve(value).then(next) : next(value as T);
}
