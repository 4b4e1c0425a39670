import { type ExplainedStep, Operation } from './operation.js';

/** What a matcher of Jest and Vitest returns. */
export interface MatcherResult {
  readonly pass: boolean;
  message(): string;
}

/** Matchers for `expect.extend`, in Jest and in Vitest. */
export const graphqlMatchers = {
  /**
   * `await expect(operation(schema, '{ ... }')).toUseStatements(2)`: executes the operation, which must
   * have no errors, and compares the number of statements that the engine ran.
   */
  async toUseStatements(received: unknown, expected: number): Promise<MatcherResult> {
    if (!(received instanceof Operation)) {
      throw new TypeError(
        "toUseStatements() is for operations: expect(operation(schema, '{ ... }')).toUseStatements(2)",
      );
    }
    const { result, steps } = await received.explain();
    if (result.errors !== undefined) {
      const messages = result.errors.map(({ message, path }) => `${path?.join('.')}: ${message}`);
      throw new Error(`The operation has errors:\n  ${messages.join('\n  ')}`);
    }
    const statements = steps.filter(({ sql }) => sql !== undefined);
    return {
      pass: statements.length === expected,
      message: () =>
        `Expected the operation to use ${expected} statements, and it used ${statements.length}:\n${statements.map(line).join('\n')}`,
    };
  },
};

function line({ path, parents, rows, sql }: ExplainedStep): string {
  return `  ${path} (parents: ${parents}, rows: ${rows ?? 0}): ${sql?.replace(/\s+/g, ' ').trim()}`;
}
