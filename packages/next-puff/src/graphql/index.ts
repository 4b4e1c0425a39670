export { type Sql, type SqlTag, sql } from '../postgres/sql.js';
export type { ExecutionResult } from './native/native-schema.js';
export {
  type ExecutionRequest,
  PuffSchema,
  type PuffSchemaParts,
  type QueryError,
  type QueryResult,
} from './puff-schema.js';
export { type GraphQLRoute, graphqlRoute } from './route/graphql-route.js';
export type { GraphQLRouteOptions, RouteSubscriptionOptions } from './route/route-options.js';
export type { ErrorPlace, ErrorReporter } from './runtime/failures.js';
export { fromGraphQLSchema } from './runtime/from-graphql-schema.js';
export { connection, connectionArguments, connectionTypes } from './schema/connection.js';
export { defineSchema, type SchemaDefinition } from './schema/define-schema.js';
export {
  ColumnField,
  ConnectionField,
  type ConnectionOptions,
  type ConnectionSymbols,
  column,
  DynamicLayer,
  type FieldSource,
  type JoinOptions,
  type LayerCall,
  type LayerInfo,
  type LayerOptions,
  type LayerResult,
  type OrderKey,
  type ParentColumns,
  StaticLayer,
  type StaticLayerOptions,
  type StaticSymbols,
  type Symbolic,
} from './schema/field-source.js';
export { type LayerFunction, layer } from './schema/layer.js';
export { type PerParent, perParent } from './schema/per-parent.js';
export type { SchemaOptions, SchemaRequest } from './schema/schema-options.js';
export type { LimitsSpec, SchemaSpec } from './schema/spec.js';
export {
  type ChannelCall,
  type EventCall,
  type EventSource,
  type SubscribeCall,
  type SubscribeFunction,
  type SubscribeOptions,
  SubscriptionField,
  subscribe,
} from './schema/subscribe.js';
export type {
  FieldTypes,
  LayersOf,
  ObjectTypes,
  ResolversOf,
  SchemaTypes,
  UntypedSchema,
} from './schema/types.js';
