import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';

/** TypeScript types by scalar. */
export type ScalarTypes = Readonly<Record<string, string>>;

const BUILT_IN: ScalarTypes = {
  Int: 'number',
  Float: 'number',
  String: 'string',
  Boolean: 'boolean',
  ID: 'string',
};

/**
 * The types of a schema for `defineSchema<Context, SchemaTypes>`, as TypeScript: arguments, the columns
 * of parents, and what layers return.
 *
 * @param scalars what custom scalars are in JavaScript; `unknown` if not given
 */
export function typeDeclarations(schema: GraphQLSchema, scalars: ScalarTypes = {}): string {
  return new Declarations({ ...BUILT_IN, ...scalars }, scalars.ID).of(schema);
}

class Declarations {
  readonly #scalars: ScalarTypes;
  readonly #idColumn: string;

  /** @param idColumn what a column of the type ID is; nothing is known of it if not given */
  constructor(scalars: ScalarTypes, idColumn: string | undefined) {
    this.#scalars = scalars;
    this.#idColumn = idColumn ?? 'never';
  }

  of(schema: GraphQLSchema): string {
    const types = Object.values(schema.getTypeMap())
      .filter(({ name }) => !name.startsWith('__'))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const roots = new Set<GraphQLNamedType | null | undefined>([
      schema.getQueryType(),
      schema.getMutationType(),
      schema.getSubscriptionType(),
    ]);
    const inputs = types.flatMap((type) => this.#input(type));
    const columns = types.flatMap((type) => (roots.has(type) ? [] : this.#columns(type)));
    const objects = types.flatMap((type) => this.#object(type, roots.has(type)));
    const before = [...inputs, ...columns].map((text) => `${text}\n`).join('');
    return `${HEADER}\n${before}/** The object types of the schema, for \`defineSchema<Context, SchemaTypes>\`. */
export interface SchemaTypes {
${objects.join('')}}
`;
  }

  #input(type: GraphQLNamedType): string[] {
    if (isEnumType(type)) {
      const names = type.getValues().map(({ name }) => `'${name}'`);
      return [`export type ${type.name} = ${names.join(' | ')};\n`];
    }
    if (!isInputObjectType(type)) return [];
    const fields = Object.values(type.getFields()).map((field) => this.#member(field, '  '));
    return [`export interface ${type.name} {\n${fields.join('')}}\n`];
  }

  /** The columns that parents of a type have; what is no field can be added by declaration merging. */
  #columns(type: GraphQLNamedType): string[] {
    if (!isObjectType(type) && !isInterfaceType(type)) return [];
    const columns = Object.values(type.getFields()).filter(({ type }) => isColumn(type));
    const members = columns.map((field) => this.#column(field)).join('');
    return [
      `export interface ${type.name}Columns {\n${members}  readonly [column: string]: unknown;\n}\n`,
    ];
  }

  #object(type: GraphQLNamedType, isRoot: boolean): string[] {
    if (!isObjectType(type) && !isInterfaceType(type)) return [];
    const parent = isRoot ? 'Record<never, never>' : `${type.name}Columns`;
    const fields = Object.values(type.getFields()).map((field) => this.#field(field));
    return [
      `  ${type.name}: {\n    parent: ${parent};\n    fields: {\n${fields.join('')}    };\n  };\n`,
    ];
  }

  #column({ name, type }: GraphQLField<unknown, unknown>): string {
    return `  readonly ${name}: ${this.#read(type, this.#idColumn)};\n`;
  }

  #field({ name, args, type }: GraphQLField<unknown, unknown>): string {
    const members = args.map((arg) => this.#member(arg, '          '));
    const argsType =
      members.length === 0 ? 'Record<never, never>' : `{\n${members.join('')}        }`;
    return `      ${name}: {\n        args: ${argsType};\n        result: ${this.#read(type, this.#scalars.ID as string)};\n      };\n`;
  }

  /** An argument or a field of an input object. */
  #member(
    { name, type, defaultValue }: GraphQLArgument | GraphQLInputField,
    indent: string,
  ): string {
    const isGiven = isNonNullType(type) || defaultValue !== undefined;
    return `${indent}readonly ${name}${isGiven ? '' : '?'}: ${this.#write(type)};\n`;
  }

  #write(type: GraphQLInputType): string {
    if (isNonNullType(type)) return this.#writeNonNull(type.ofType);
    return orNull(this.#writeNonNull(type));
  }

  #writeNonNull(type: GraphQLInputType): string {
    if (isNonNullType(type)) return this.#writeNonNull(type.ofType);
    if (isListType(type)) return `${grouped(this.#write(type.ofType))}[]`;
    if (isEnumType(type) || isInputObjectType(type)) return type.name;
    return this.#scalars[type.name] ?? 'unknown';
  }

  #read(type: GraphQLOutputType, id: string): string {
    if (isNonNullType(type)) return this.#readNonNull(type.ofType, id);
    return orNull(this.#readNonNull(type, id));
  }

  #readNonNull(type: GraphQLOutputType, id: string): string {
    if (isNonNullType(type)) return this.#readNonNull(type.ofType, id);
    if (isListType(type)) return `readonly ${grouped(this.#read(type.ofType, id))}[]`;
    if (!isLeafType(type)) return 'object';
    if (isEnumType(type)) return type.name;
    return type.name === 'ID' ? id : (this.#scalars[type.name] ?? 'unknown');
  }
}

const HEADER = `// Written by \`next-puff generate\`; changes are lost.
`;

function isColumn(type: GraphQLOutputType): boolean {
  if (isNonNullType(type) || isListType(type)) return isColumn(type.ofType);
  return isLeafType(type);
}

function orNull(type: string): string {
  return type === 'unknown' || type === 'never' ? type : `${type} | null`;
}

function grouped(type: string): string {
  return type.includes(' ') ? `(${type})` : type;
}
