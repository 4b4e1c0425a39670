export type { ErrorPlace, ErrorReporter } from './failures.js';
export { fromGraphQLSchema } from './from-graphql-schema.js';
export type { OperationRunner } from './operation-runner.js';
export { SchemaRuntime } from './schema-runtime.js';
