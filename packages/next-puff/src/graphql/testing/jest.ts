/**
 * `import 'next-puff/graphql/jest'` in a test, or in `setupFilesAfterEnv`, adds the matchers to Jest's
 * `expect`.
 */

import { expect } from '@jest/globals';
import { graphqlMatchers } from './matchers.js';

declare module 'expect' {
  interface Matchers<R> {
    /** Executes the operation and compares the number of statements that the engine runs for it. */
    toUseStatements(expected: number): Promise<R>;
  }
}

expect.extend(graphqlMatchers);
