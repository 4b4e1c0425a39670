export type { ErrorPlace, ErrorReporter } from './failures.js';
export { fromGraphQLSchema } from './from-graphql-schema.js';
export type { OperationRunner } from './operation-runner.js';
export { type RuntimeSchema, SchemaRuntime } from './schema-runtime.js';
