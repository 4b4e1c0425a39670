import type { PuffSchema } from '../puff-schema.js';

/** What a function returned, and how many statements it took. */
export interface CountedStatements<T> {
  readonly result: T;
  readonly statements: number;
}

/**
 * Counts the statements that the engine runs for a schema while a function runs: those of static layers,
 * of layers that return statements, and of connections. What resolvers and layers send to the
 * database themselves is not counted, and neither is BEGIN and COMMIT. Run one function at a time.
 */
export async function countStatements<Context, T>(
  schema: PuffSchema<Context>,
  fn: () => T | Promise<T>,
): Promise<CountedStatements<T>> {
  const before = schema.statementCount;
  const result = await fn();
  return { result, statements: schema.statementCount - before };
}
