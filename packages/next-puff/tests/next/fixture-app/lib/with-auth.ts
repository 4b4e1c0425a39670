/** A wrapper such as many apps have around their actions. */
export function withAuth<Args extends unknown[], T>(action: (...args: Args) => Promise<T>) {
  return async (...args: Args): Promise<T> => action(...args);
}
