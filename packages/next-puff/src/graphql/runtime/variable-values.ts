import {
  GraphQLError,
  type GraphQLLeafType,
  type GraphQLSchema,
  getNullableType,
  getVariableValues,
  isLeafType,
  isNonNullType,
  isSpecifiedScalarType,
  type OperationDefinitionNode,
  typeFromAST,
  type VariableDefinitionNode,
} from 'graphql';
import type { OperationStart } from '../native/protocol.js';

/** A variable of one of the specification's scalars, without a default. */
interface PlainVariable {
  name: string;
  type: GraphQLLeafType;
  isNonNull: boolean;
}

/** The variables of an operation, coerced as graphql-js does it: with the functions of custom scalars. */
export class VariableValues {
  readonly #schema: GraphQLSchema;
  readonly #definitions: readonly VariableDefinitionNode[];
  /** Where all are plain: graphql-js would look at each type again in every run. */
  readonly #plain: readonly PlainVariable[] | undefined;

  constructor(schema: GraphQLSchema, { variableDefinitions = [] }: OperationDefinitionNode) {
    this.#schema = schema;
    this.#definitions = variableDefinitions;
    const plain = variableDefinitions.map((definition) => plainOf(schema, definition));
    if (plain.every((variable) => variable !== undefined)) this.#plain = plain;
  }

  /**
   * The values of the variables that there are.
   *
   * @throws {GraphQLError} when a custom scalar does not take a value
   */
  coerce(variables: OperationStart['variables']): Record<string, unknown> {
    return this.#coercePlain(variables) ?? this.#coerce(variables);
  }

  /** Nothing where graphql-js has something to say. */
  #coercePlain(variables: OperationStart['variables']): Record<string, unknown> | undefined {
    if (this.#plain === undefined) return undefined;
    const coerced: Record<string, unknown> = {};
    for (const { name, type, isNonNull } of this.#plain) {
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
      if (value === undefined || value === null) {
        if (isNonNull) return undefined;
        if (value === null) coerced[name] = null;
        continue;
      }
      try {
        coerced[name] = type.parseValue(value);
      } catch {
        return undefined;
      }
    }
    return coerced;
  }

  #coerce(variables: OperationStart['variables']): Record<string, unknown> {
    const options = { maxErrors: 1 };
    const result = getVariableValues(this.#schema, this.#definitions, variables, options);
    if (result.errors !== undefined) throw inputError(result.errors[0]);
    return result.coerced;
  }
}

function plainOf(
  schema: GraphQLSchema,
  { variable, type, defaultValue }: VariableDefinitionNode,
): PlainVariable | undefined {
  const name = variable.name.value;
  const declared = typeFromAST(schema, type);
  // Such a name would set the prototype of the values.
  if (declared === undefined || defaultValue !== undefined || name === '__proto__') {
    return undefined;
  }
  const inner = getNullableType(declared);
  if (!isLeafType(inner) || !isSpecifiedScalarType(inner)) return undefined;
  return { name, type: inner, isNonNull: isNonNullType(declared) };
}

/** What clients sent wrong is theirs to know, also where a function of a scalar said it. */
function inputError(error: GraphQLError | undefined): GraphQLError {
  const extensions = { code: 'BAD_USER_INPUT' };
  return new GraphQLError(error?.message ?? 'The variables are invalid.', { extensions });
}
