import {
  DirectiveLocation,
  GraphQLDirective,
  GraphQLEnumType,
  type GraphQLFieldConfig,
  type GraphQLInputFieldConfig,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLInterfaceType,
  GraphQLList,
  type GraphQLNamedType,
  GraphQLNonNull,
  type GraphQLNullableType,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  type GraphQLType,
  GraphQLUnionType,
  isSpecifiedScalarType,
  Kind,
  parseType,
  specifiedDirectives,
  specifiedScalarTypes,
  type TypeNode,
  valueFromASTUntyped,
} from 'graphql';
import { Random, seedOf } from '../support/random.ts';
import { Behaviour, type CallContext } from './behaviour.ts';
import { inputValue } from './input-values.ts';
import type {
  FieldModel,
  InputModel,
  ObjectModel,
  ScalarFlavour,
  SchemaModel,
} from './schema-model.ts';
import { anyText } from './texts.ts';

/**
 * Makes a schema of graphql-js from the model.
 *
 * With `isNullable` all output types lose their non-null marks: executing the same operation on that
 * twin reports every error there can be, because none takes a neighbour with it.
 */
export function buildSchema(
  model: SchemaModel,
  options: { isNullable?: boolean } = {},
): GraphQLSchema {
  return new Builder(model, options.isNullable ?? false).schema();
}

class Builder {
  readonly #model: SchemaModel;
  readonly #isNullable: boolean;
  readonly #behaviour: Behaviour;
  readonly #types = new Map<string, GraphQLNamedType>();

  constructor(model: SchemaModel, isNullable: boolean) {
    this.#model = model;
    this.#isNullable = isNullable;
    this.#behaviour = new Behaviour(model);
  }

  schema(): GraphQLSchema {
    const model = this.#model;
    for (const type of specifiedScalarTypes) this.#types.set(type.name, type);
    for (const { name, flavour } of model.scalars) this.#add(scalarType(name, flavour));
    for (const { name, values } of model.enums) {
      const described = values.map(
        (value) =>
          [
            value.name,
            {
              value: value.internal,
              description: this.#description(`${name}.${value.name}`),
              ...deprecation(value.isDeprecated),
            },
          ] as const,
      );
      this.#add(
        new GraphQLEnumType({
          name,
          description: this.#description(name),
          values: Object.fromEntries(described),
        }),
      );
    }
    for (const { name, isOneOf, fields } of model.inputs) {
      this.#add(
        new GraphQLInputObjectType({
          name,
          isOneOf,
          description: this.#description(name),
          fields: () => this.#inputs(name, fields),
        }),
      );
    }
    for (const face of model.interfaces) {
      this.#add(
        new GraphQLInterfaceType({
          name: face.name,
          description: this.#description(face.name),
          interfaces: () =>
            face.interfaces.map((it) => this.#types.get(it) as GraphQLInterfaceType),
          fields: () => this.#fields(face, false),
          ...this.#behaviour.typeResolver(face.name, face.typing),
        }),
      );
    }
    for (const object of model.objects) this.#add(this.#object(object));
    for (const { name, members, typing } of model.unions) {
      this.#add(
        new GraphQLUnionType({
          name,
          description: this.#description(name),
          types: () => members.map((it) => this.#types.get(it) as GraphQLObjectType),
          ...this.#behaviour.typeResolver(name, typing),
        }),
      );
    }
    return new GraphQLSchema({
      description: this.#description('schema'),
      query: this.#object(model.query),
      mutation: model.mutation && this.#object(model.mutation),
      types: [...this.#types.values()].filter((it) => !isSpecifiedScalarType(it)),
      directives: [
        ...specifiedDirectives,
        new GraphQLDirective({
          name: 'tag',
          isRepeatable: true,
          locations: [
            DirectiveLocation.FIELD,
            DirectiveLocation.FRAGMENT_SPREAD,
            DirectiveLocation.INLINE_FRAGMENT,
            DirectiveLocation.QUERY,
            DirectiveLocation.OBJECT,
          ],
          args: { label: { type: GraphQLString, defaultValue: 'none' } },
        }),
      ],
    });
  }

  #add(type: GraphQLNamedType): void {
    this.#types.set(type.name, type);
  }

  #object(model: ObjectModel): GraphQLObjectType {
    const isRoot = model === this.#model.query || model === this.#model.mutation;
    return new GraphQLObjectType({
      name: model.name,
      description: this.#description(model.name),
      interfaces: () => model.interfaces.map((it) => this.#types.get(it) as GraphQLInterfaceType),
      fields: () => this.#fields(model, true),
      ...(isRoot ? {} : this.#behaviour.typeTest(model.name)),
    });
  }

  #fields(
    owner: ObjectModel,
    isResolved: boolean,
  ): Record<string, GraphQLFieldConfig<unknown, CallContext>> {
    return Object.fromEntries(
      owner.fields.map((field) => [field.name, this.#field(owner, field, isResolved)]),
    );
  }

  #field(
    owner: ObjectModel,
    field: FieldModel,
    isResolved: boolean,
  ): GraphQLFieldConfig<unknown, CallContext> {
    const type = this.#type(parseType(field.type)) as GraphQLOutputType;
    return {
      type: this.#isNullable ? withoutNonNull(type) : type,
      args: this.#inputs(`${owner.name}.${field.name}`, field.args),
      description: field.description,
      ...deprecation(field.isDeprecated),
      ...(isResolved ? this.#behaviour.resolver(owner, field) : {}),
    };
  }

  #inputs(owner: string, models: readonly InputModel[]): Record<string, GraphQLInputFieldConfig> {
    return Object.fromEntries(
      models.map((input) => {
        const type = this.#type(parseType(input.type)) as GraphQLInputType;
        const random = new Random(seedOf(this.#model.seed, 'default', owner, input.name));
        const config: GraphQLInputFieldConfig = {
          type,
          description: this.#description(`${owner}.${input.name}`),
          ...deprecation(input.isDeprecated),
        };
        if (input.hasDefault) config.defaultValue = inputValue(random, type, 'internal');
        return [input.name, config];
      }),
    );
  }

  #type(node: TypeNode): GraphQLType {
    if (node.kind === Kind.LIST_TYPE) return new GraphQLList(this.#type(node.type));
    if (node.kind === Kind.NON_NULL_TYPE) {
      return new GraphQLNonNull(this.#type(node.type) as GraphQLNullableType);
    }
    const type = this.#types.get(node.name.value);
    if (type === undefined) throw new Error(`the model has no type ${node.name.value}`);
    return type;
  }

  #description(coordinate: string): string | undefined {
    const random = new Random(seedOf(this.#model.seed, 'description', coordinate));
    // An empty one is none: schemas lose it when they are printed.
    return random.chance(0.3) ? anyText(random) || undefined : undefined;
  }
}

function deprecation(isDeprecated: boolean): { deprecationReason?: string } {
  return isDeprecated ? { deprecationReason: 'no longer "needed"' } : {};
}

function withoutNonNull(type: GraphQLOutputType): GraphQLOutputType {
  if (type instanceof GraphQLNonNull) return withoutNonNull(type.ofType);
  if (type instanceof GraphQLList) return new GraphQLList(withoutNonNull(type.ofType));
  return type;
}

function scalarType(name: string, flavour: ScalarFlavour): GraphQLScalarType {
  switch (flavour) {
    case 'json':
      return new GraphQLScalarType({
        name,
        specifiedByURL: 'https://example.org/json',
        serialize: (value) => value,
        parseValue: (value) => value,
        parseLiteral: (node, variables) => valueFromASTUntyped(node, variables),
      });
    case 'even': {
      const even = (value: unknown) => {
        if (typeof value !== 'number' || value % 2 !== 0) throw new TypeError('it is not even');
        return value;
      };
      return new GraphQLScalarType({ name, serialize: even, parseValue: even });
    }
    case 'upper':
      return new GraphQLScalarType({
        name,
        description: 'Upper case inside, lower case outside.',
        serialize: (value) => (value === 'NOTHING' ? undefined : String(value).toLowerCase()),
        parseValue: (value) => {
          if (typeof value !== 'string') throw new TypeError('not a text');
          return value.toUpperCase();
        },
      });
  }
}
