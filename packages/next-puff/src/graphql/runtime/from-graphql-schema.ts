import { assertValidSchema, type GraphQLSchema, isSchema } from 'graphql';
import { PuffSchema } from '../puff-schema.js';
import { schemaError } from '../schema/schema-error.js';
import type { SchemaOptions, SchemaRequest } from '../schema/schema-options.js';

/**
 * Lets the engine execute any schema of graphql-js as it is, however it was made: from type definitions
 * and resolvers, with Pothos, Nexus or by hand.
 *
 * Resolvers are called as graphql-js calls them, but those of one level together. A field moves to a
 * layer by having one in its `extensions`: `extensions: { puff: layer.static(...) }`; its resolver is
 * then no longer called.
 *
 * @throws {PuffError} `PUFF_GRAPHQL_SCHEMA` for a schema that is not valid, and as `defineSchema` for
 * its layers
 */
export function fromGraphQLSchema<Context = SchemaRequest>(
  graphqlSchema: GraphQLSchema,
  options: SchemaOptions<Context> = {},
): PuffSchema<Context> {
  checkSchema(graphqlSchema);
  return new PuffSchema<Context>({ graphqlSchema, options });
}

function checkSchema(schema: GraphQLSchema): void {
  if (!isOurs(schema)) {
    throw schemaError('schema', 'it is no GraphQLSchema', 'Give a schema of graphql-js.');
  }
  try {
    assertValidSchema(schema);
  } catch (error) {
    throw schemaError('schema', (error as Error).message, 'Correct the schema.');
  }
}

function isOurs(schema: GraphQLSchema): boolean {
  try {
    return isSchema(schema);
  } catch (error) {
    const [what] = (error as Error).message.split('\n') as [string];
    throw schemaError(
      'schema',
      what.replace(/\.$/, ''),
      'The app and next-puff must use the same copy of the package graphql; see `npm ls graphql`.',
    );
  }
}
