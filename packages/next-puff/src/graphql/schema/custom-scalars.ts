import type { GraphQLScalarType } from 'graphql';

/** What graphql-js puts where a scalar says nothing; each copy of it has functions of its own. */
function plain(scalar: GraphQLScalarType): GraphQLScalarType {
  const Scalar = scalar.constructor as typeof GraphQLScalarType;
  return new Scalar({ name: 'Plain' });
}

const BUILT_IN = new Set(['Int', 'Float', 'String', 'Boolean', 'ID']);

/** Whether JavaScript has to write the values of a scalar. */
export function hasOwnSerializer(scalar: GraphQLScalarType): boolean {
  return !BUILT_IN.has(scalar.name) && scalar.serialize !== plain(scalar).serialize;
}

/** Whether JavaScript has to read the values of a scalar. */
export function hasOwnParser(scalar: GraphQLScalarType): boolean {
  return !BUILT_IN.has(scalar.name) && scalar.parseValue !== plain(scalar).parseValue;
}
