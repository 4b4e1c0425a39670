import {
  buildASTSchema,
  concatAST,
  type DocumentNode,
  type GraphQLEnumType,
  GraphQLError,
  type GraphQLScalarType,
  type GraphQLSchema,
  isEnumType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isUnionType,
  parse,
  print,
  Source,
} from 'graphql';
import { PuffSchema } from '../puff-schema.js';
import { EXTENSION, isFieldSource } from './field-source.js';
import { near, schemaError } from './schema-error.js';
import type { SchemaOptions, SchemaRequest } from './schema-options.js';

import type { LayersOf, ResolversOf, SchemaTypes, UntypedSchema } from './types.js';

/** A schema: its types, and how their fields are resolved. */
export interface SchemaDefinition<Context, Layers = LayersOf<UntypedSchema, Context>>
  extends SchemaOptions<Context> {
  /** The types in the schema definition language, in one piece or several. */
  readonly typeDefs: string | DocumentNode | readonly (string | DocumentNode)[];
  /**
   * How fields are resolved for all parents at once, by type and field: `layer.static`, `layer`,
   * `connection` or `column`. Fields that are in no map are read from their parent: a column with the
   * field's name, or its snake_case form.
   */
  readonly layers?: Layers;
  /**
   * Ordinary resolvers of graphql-js, by type and field; `__resolveType` and `__isTypeOf`; and the
   * values that the database has for those of an enum: `{ Role: { ADMIN: 'admin' } }`.
   */
  readonly resolvers?: ResolversOf<NoInfer<Context>>;
  /**
   * Custom scalars. One with its own `serialize` is written by JavaScript, and one with its own
   * `parseValue` cannot be an argument of static layers; all others go natively between PostgreSQL and
   * JSON.
   */
  readonly scalars?: Readonly<Record<string, GraphQLScalarType>>;
}

/**
 * Makes a schema of types in the schema definition language, and of layers and resolvers for their
 * fields. Its context is the {@link SchemaRequest}.
 *
 * @throws {PuffError} `PUFF_GRAPHQL_SCHEMA` for what cannot be, `PUFF_GRAPHQL_NOT_STATIC` for a static
 * layer that is none; both name the coordinate
 */
export function defineSchema(
  definition: SchemaDefinition<SchemaRequest> & { readonly context?: undefined },
): PuffSchema<SchemaRequest>;
/**
 * The same with a context: what the option `context` returns, or what each request is executed with. Its
 * type has to be given, as in `defineSchema<Context>({ ... })`.
 */
export function defineSchema<Context>(
  definition: SchemaDefinition<Context, LayersOf<UntypedSchema, Context>>,
): PuffSchema<Context>;
/** The same with the types that `next-puff generate` wrote. */
export function defineSchema<Context, Types extends SchemaTypes<Types>>(
  definition: SchemaDefinition<Context, LayersOf<Types, Context>>,
): PuffSchema<Context>;
export function defineSchema<Context>(
  definition: SchemaDefinition<Context, Readonly<Record<string, object | undefined>>>,
): PuffSchema<Context> {
  const { typeDefs, layers = {}, resolvers = {}, scalars = {}, ...options } = definition;
  const document = concatAST(
    (isList(typeDefs) ? typeDefs : [typeDefs]).map((part, index) => documentOf(part, index)),
  );
  const graphqlSchema = build(document);
  for (const [name, scalar] of Object.entries(scalars)) setScalar(graphqlSchema, name, scalar);
  for (const [name, map] of Object.entries(resolvers)) setResolvers(graphqlSchema, name, map);
  for (const [name, map] of Object.entries(layers)) setLayers(graphqlSchema, name, map ?? {});
  return new PuffSchema({ graphqlSchema, sdl: print(document), options });
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

function documentOf(part: string | DocumentNode, index: number): DocumentNode {
  if (typeof part !== 'string') return part;
  try {
    return parse(new Source(part, `typeDefs[${index}]`));
  } catch (error) {
    throw sdlError(error);
  }
}

function build(document: DocumentNode): GraphQLSchema {
  try {
    return buildASTSchema(document);
  } catch (error) {
    throw sdlError(error);
  }
}

function sdlError(error: unknown): Error {
  const what = error instanceof GraphQLError ? error.toString() : (error as Error).message;
  return schemaError('typeDefs', what.replace(/\.$/, ''), 'Correct the type definitions.');
}

/** A scalar of the schema takes over what another one does; its name and description stay. */
function setScalar(schema: GraphQLSchema, name: string, scalar: GraphQLScalarType): void {
  const type = schema.getType(name);
  if (!isScalarType(type)) {
    throw schemaError(
      name,
      'there is no such scalar in the type definitions',
      `Add \`scalar ${name}\`, or take it out of \`scalars\`.${near(name, typeNames(schema))}`,
    );
  }
  if (typeof scalar?.serialize !== 'function') {
    throw schemaError(name, 'it is no GraphQLScalarType', 'Make it with `new GraphQLScalarType`.');
  }
  type.serialize = scalar.serialize;
  type.parseValue = scalar.parseValue;
  type.parseLiteral = scalar.parseLiteral;
  type.extensions = { ...type.extensions, ...scalar.extensions };
}

function setResolvers(schema: GraphQLSchema, name: string, map: Record<string, unknown>): void {
  const type = typeOf(schema, name, 'resolvers');
  if (isEnumType(type)) {
    setEnumValues(type, map);
    return;
  }
  if (isUnionType(type) || isInterfaceType(type)) {
    const { __resolveType: resolveType, ...others } = map;
    const [other] = Object.keys(others);
    if (other !== undefined) {
      throw schemaError(
        `${name}.${other}`,
        'an interface or a union has no resolvers but `__resolveType`',
        'Give resolvers to the object types, or use a layer.',
      );
    }
    if (typeof resolveType === 'function') type.resolveType = resolveType as never;
    return;
  }
  if (!isObjectType(type)) {
    throw schemaError(
      name,
      'it has no fields that could be resolved',
      'Custom scalars belong into `scalars`.',
    );
  }
  for (const [key, resolver] of Object.entries(map)) {
    if (key === '__isTypeOf') {
      type.isTypeOf = resolver as never;
      continue;
    }
    const field = fieldOf(schema, name, key);
    if (typeof resolver === 'function') {
      field.resolve = resolver as never;
      continue;
    }
    const { resolve, subscribe } = (resolver ?? {}) as { resolve?: unknown; subscribe?: unknown };
    if (typeof resolve !== 'function' && typeof subscribe !== 'function') {
      throw schemaError(
        `${name}.${key}`,
        'its resolver is no function',
        isFieldSource(resolver) ? 'Move it to `layers`.' : 'Give a function.',
      );
    }
    if (typeof resolve === 'function') field.resolve = resolve as never;
    if (typeof subscribe === 'function') field.subscribe = subscribe as never;
  }
}

/** What the values of an enum are in JavaScript and in the database. */
function setEnumValues(type: GraphQLEnumType, map: Record<string, unknown>): void {
  const { values } = type.toConfig();
  for (const [name, value] of Object.entries(map)) {
    const config = values[name];
    if (config === undefined) {
      throw schemaError(
        `${type.name}.${name}`,
        'the enum has no such value',
        `Its values are ${Object.keys(values).join(', ')}.`,
      );
    }
    config.value = value;
  }
  // The lookups by name and by value are made in the constructor only.
  const changed = new (type.constructor as typeof GraphQLEnumType)({ ...type.toConfig(), values });
  Object.assign(type, changed);
}

function setLayers(schema: GraphQLSchema, name: string, map: object): void {
  const type = typeOf(schema, name, 'layers');
  if (!isObjectType(type) && !isInterfaceType(type)) {
    throw schemaError(name, 'it has no fields', 'Only object types and interfaces have layers.');
  }
  for (const [key, source] of Object.entries(map)) {
    if (source === undefined) continue;
    const field = fieldOf(schema, name, key);
    if (!isFieldSource(source)) {
      throw schemaError(
        `${name}.${key}`,
        'it is no layer',
        'Use `layer.static`, `layer`, `connection`, `column` or `subscribe`; ordinary resolvers belong into `resolvers`.',
      );
    }
    if (field.resolve !== undefined) {
      throw schemaError(
        `${name}.${key}`,
        'it has a layer and a resolver',
        'Take one of them away.',
      );
    }
    field.extensions = { ...field.extensions, [EXTENSION]: source };
  }
}

function typeOf(schema: GraphQLSchema, name: string, where: string) {
  const type = schema.getType(name);
  if (type !== undefined) return type;
  throw schemaError(
    name,
    'there is no such type in the type definitions',
    `Take it out of \`${where}\`, or define it.${near(name, typeNames(schema))}`,
  );
}

function fieldOf(schema: GraphQLSchema, typeName: string, name: string) {
  const type = schema.getType(typeName);
  const fields = isObjectType(type) || isInterfaceType(type) ? type.getFields() : {};
  const field = fields[name];
  if (field !== undefined) return field;
  throw schemaError(
    `${typeName}.${name}`,
    `${typeName} has no such field`,
    `Its fields are ${Object.keys(fields).join(', ')}.${near(name, Object.keys(fields))}`,
  );
}

function typeNames(schema: GraphQLSchema): string[] {
  return Object.keys(schema.getTypeMap()).filter((name) => !name.startsWith('__'));
}
