import type { GraphQLSchema } from 'graphql';
import { fromGraphQLSchema, type LimitsSpec } from 'next-puff/graphql';

/** No bound on operations: what is compared is meaning, and limits have tests of their own. */
export const WITHOUT_LIMITS: LimitsSpec = {
  depth: 0,
  aliases: 0,
  rootFields: 0,
  cost: 0,
  pageSize: 0,
  tokens: 0,
  rows: 0,
};

/** A request as both engines take it. */
export interface EngineRequest {
  readonly query: string;
  readonly variables?: Record<string, unknown>;
  readonly operationName?: string | undefined;
}

/** Executes requests on a schema of graphql-js with our engine. */
export function engineFor(
  schema: GraphQLSchema,
): (request: EngineRequest, context: object) => Promise<object> {
  const engine = fromGraphQLSchema<unknown>(schema, {
    maskErrors: false,
    introspection: true,
    onError: () => {},
    limits: WITHOUT_LIMITS,
  });
  return ({ query, variables = {}, operationName }, context) =>
    engine.query({
      query,
      variables,
      context,
      ...(operationName === undefined ? {} : { operationName }),
    });
}
