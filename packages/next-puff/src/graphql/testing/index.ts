export { type CountedStatements, countStatements } from './count-statements.js';
export { graphqlMatchers, type MatcherResult } from './matchers.js';
export { type ExplainedStep, Operation, operation } from './operation.js';
