import { type GraphQLLeafType, GraphQLScalarType, specifiedScalarTypes } from 'graphql';
import { inspect } from 'graphql/jsutils/inspect.js';
import type { JsonValue } from '../native/protocol.js';

/** Makes the JSON of a value that is neither null nor undefined. */
export type LeafSerializer = (value: unknown) => JsonValue;

/** Makes the serializer of a leaf type. */
export function serializerOf(type: GraphQLLeafType): LeafSerializer {
  const isSpecified =
    type instanceof GraphQLScalarType && (specifiedScalarTypes as unknown[]).includes(type);
  if (!isSpecified) return (value) => checked(type, value, type.serialize(value));
  const isPlain = PLAIN[type.name];
  if (isPlain === undefined) return (value) => type.serialize(value) as JsonValue;
  return (value) => (isPlain(value) ? (value as JsonValue) : (type.serialize(value) as JsonValue));
}

/** What the specified scalars serialize to itself, tested first because most values are so. */
const PLAIN: Record<string, (value: unknown) => boolean> = {
  String: (value) => typeof value === 'string',
  ID: (value) => typeof value === 'string',
  Boolean: (value) => typeof value === 'boolean',
  Float: Number.isFinite,
  Int: (value) => typeof value === 'number' && value === (value | 0),
};

function checked(type: GraphQLLeafType, value: unknown, serialized: unknown): JsonValue {
  if (serialized === null || serialized === undefined) {
    throw new Error(
      `Expected \`${inspect(type)}.serialize(${inspect(value)})\` to ` +
        `return non-nullable value, returned: ${inspect(serialized)}`,
    );
  }
  switch (typeof serialized) {
    case 'string':
    case 'boolean':
    case 'number':
      return serialized;
    default:
      return jsonOf(type, serialized);
  }
}

/** One value that is no JSON must not spoil the answer of a whole layer. */
function jsonOf(type: GraphQLLeafType, serialized: unknown): JsonValue {
  const text = JSON.stringify(serialized);
  if (text === undefined) {
    throw new Error(`${type.name}.serialize returned no JSON: ${inspect(serialized)}`);
  }
  return JSON.parse(text) as JsonValue;
}
