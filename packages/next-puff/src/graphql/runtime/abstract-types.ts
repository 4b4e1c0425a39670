import {
  type GraphQLAbstractType,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  isObjectType,
} from 'graphql';
import { inspect } from 'graphql/jsutils/inspect.js';
import { isPromise, type MaybePromise } from './promises.js';

/**
 * Finds the object type of a value of an abstract type, as graphql-js does: by `resolveType`, or else
 * by `__typename` and the `isTypeOf` of the possible types.
 *
 * @throws {GraphQLError} with graphql-js's messages
 */
export function runtimeTypeOf(
  type: GraphQLAbstractType,
  value: unknown,
  context: unknown,
  info: GraphQLResolveInfo,
): MaybePromise<GraphQLObjectType> {
  const resolveType = type.resolveType ?? defaultResolveType;
  const name: unknown = resolveType(value, context, info, type);
  if (isPromise(name)) return name.then((resolved) => checkedType(resolved, type, value, info));
  return checkedType(name, type, value, info);
}

/**
 * Asks a type whether a value is of it.
 *
 * @throws {GraphQLError} when it is not
 */
export function checkType(
  type: GraphQLObjectType,
  value: unknown,
  context: unknown,
  info: () => GraphQLResolveInfo,
): MaybePromise<void> {
  if (!type.isTypeOf) return undefined;
  const isOfType = type.isTypeOf(value, context, info());
  if (isPromise(isOfType)) return isOfType.then((resolved) => confirm(resolved, type, value));
  return confirm(isOfType, type, value);
}

function confirm(isOfType: boolean, type: GraphQLObjectType, value: unknown): void {
  if (isOfType) return;
  throw new GraphQLError(`Expected value of type "${type.name}" but got: ${inspect(value)}.`);
}

function defaultResolveType(
  value: unknown,
  context: unknown,
  info: GraphQLResolveInfo,
  type: GraphQLAbstractType,
): MaybePromise<string | undefined> {
  if (typeof value === 'object' && value !== null) {
    const { __typename: name } = value as { __typename?: unknown };
    if (typeof name === 'string') return name;
  }
  const possible = info.schema.getPossibleTypes(type);
  const waiting: Promise<string | undefined>[] = [];
  try {
    for (const candidate of possible) {
      const isOfType = candidate.isTypeOf?.(value, context, info);
      if (isPromise(isOfType)) {
        waiting.push(isOfType.then((resolved) => (resolved ? candidate.name : undefined)));
      } else if (isOfType) {
        // Nobody will look at the others: their failures must not end the process.
        void Promise.allSettled(waiting);
        return candidate.name;
      }
    }
  } catch (error) {
    void Promise.allSettled(waiting);
    throw error;
  }
  if (waiting.length === 0) return undefined;
  return Promise.all(waiting).then((names) => names.find((found) => found !== undefined));
}

function checkedType(
  name: unknown,
  type: GraphQLAbstractType,
  value: unknown,
  { schema, parentType, fieldName }: GraphQLResolveInfo,
): GraphQLObjectType {
  const field = `${parentType.name}.${fieldName}`;
  if (name === null || name === undefined) {
    throw new GraphQLError(
      `Abstract type "${type.name}" must resolve to an Object type at runtime for field "${field}". Either the "${type.name}" type should provide a "resolveType" function or each possible type should provide an "isTypeOf" function.`,
    );
  }
  if (isObjectType(name)) {
    throw new GraphQLError(
      'Support for returning GraphQLObjectType from resolveType was removed in graphql-js@16.0.0 please return type name instead.',
    );
  }
  if (typeof name !== 'string') {
    throw new GraphQLError(
      `Abstract type "${type.name}" must resolve to an Object type at runtime for field "${field}" with ` +
        `value ${inspect(value)}, received "${inspect(name)}".`,
    );
  }
  const found = schema.getType(name);
  if (found === undefined) {
    throw new GraphQLError(
      `Abstract type "${type.name}" was resolved to a type "${name}" that does not exist inside the schema.`,
    );
  }
  if (!isObjectType(found)) {
    throw new GraphQLError(
      `Abstract type "${type.name}" was resolved to a non-object type "${name}".`,
    );
  }
  if (!schema.isSubType(type, found)) {
    throw new GraphQLError(
      `Runtime Object type "${name}" is not a possible type for "${type.name}".`,
    );
  }
  return found;
}
