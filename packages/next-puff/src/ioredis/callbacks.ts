/** How ioredis' methods take callbacks: as the last argument, with the error first. */
export type Callback<Value = unknown> = (error: Error | null, value?: Value) => void;

/** Takes the callback off the end of arguments, if there is one. */
export function takeCallback(args: unknown[]): Callback | undefined {
  return typeof args.at(-1) === 'function' ? (args.pop() as Callback) : undefined;
}

/**
 * Tells a callback what a promise comes to, and answers the promise. What the callback throws is uncaught, as it would be
 * in any other callback, and does not become the promise's.
 */
export function withCallback<Value>(
  promise: Promise<Value>,
  callback?: Callback<Value>,
): Promise<Value> {
  // rate-limiter-flexible passes `true`, which node-redis would want.
  if (typeof callback === 'function') {
    promise.then(
      (value) => tell(() => callback(null, value)),
      (error) => tell(() => callback(error)),
    );
  }
  return promise;
}

function tell(call: () => void): void {
  try {
    call();
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
  }
}
