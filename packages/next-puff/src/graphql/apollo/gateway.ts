import type { ApolloServerOptionsWithGateway } from '@apollo/server';
import type { PuffSchema } from '../puff-schema.js';
import { errorOfJson } from './errors.js';

/** What `new ApolloServer({ gateway })` takes. */
export type PuffGateway = ApolloServerOptionsWithGateway<never>['gateway'];

type Executor = NonNullable<Awaited<ReturnType<PuffGateway['load']>>['executor']>;
type ExecutionResult = Awaited<ReturnType<Executor>>;

/**
 * Lets Apollo Server execute with the layer engine: `new ApolloServer({ gateway: puffGateway(schema) })`.
 *
 * Apollo parses, validates, calls its plugins and formats; the engine executes. Resolvers and layers get
 * Apollo's `contextValue` as their context; the schema's own `context` is not called. The schema masks
 * errors before Apollo sees them, unless it was made with `maskErrors: false`, which leaves that to
 * Apollo's `formatError`.
 *
 * Plugins are called as always, except `willResolveField`: it is called only for fields that JavaScript
 * resolves.
 */
export function puffGateway<Context>(schema: PuffSchema<Context>): PuffGateway {
  const execute: Executor = async ({ source, operationName, request, operation, context }) => {
    const { data, errors, extensions } = await schema.query({
      query: source,
      operationName,
      variables: request.variables,
      context: context as Context,
    });
    const result: ExecutionResult = {};
    // Without data it was an error of the request, and Apollo answers with another status.
    if (data !== undefined) result.data = data;
    if (errors !== undefined) {
      result.errors = errors.map((error) => errorOfJson(error, source, operation));
    }
    if (extensions !== undefined) result.extensions = extensions;
    return result;
  };
  const listeners = new Set<Parameters<PuffGateway['onSchemaLoadOrUpdate']>[0]>();
  return {
    onSchemaLoadOrUpdate(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async load() {
      await schema.prepare();
      const { graphqlSchema, spec } = schema;
      for (const listener of listeners) {
        listener({ apiSchema: graphqlSchema, coreSupergraphSdl: spec.sdl });
      }
      return { executor: execute };
    },
    stop: async () => {},
  };
}
