import type { GraphQLObjectType } from 'graphql';
import type { ColumnSpec, FieldSpec, SchemaSpec } from '../schema/spec.js';

/** What a schema says of a field, and under which coordinate it says it. */
export interface FoundSpec {
  coordinate: string;
  spec: FieldSpec;
}

/** Columns by the fields that are read from them. */
export type ColumnsByField = { readonly [field: string]: ColumnSpec };

/** How fields are resolved: object types take over what their interfaces say. */
export class FieldSpecs {
  readonly #fields: SchemaSpec['fields'];
  /** By type and field; a key made of both would have to be built for every look. */
  readonly #found = new Map<GraphQLObjectType, Map<string, FoundSpec | undefined>>();
  readonly #columns = new Map<GraphQLObjectType, ColumnsByField>();

  constructor({ fields }: SchemaSpec) {
    this.#fields = fields;
  }

  /** What the schema says of a field; nothing for one that is read from its parent. */
  of(type: GraphQLObjectType, field: string): FoundSpec | undefined {
    let found = this.#found.get(type);
    if (found === undefined) {
      found = new Map();
      this.#found.set(type, found);
    }
    const known = found.get(field);
    if (known !== undefined || found.has(field)) return known;
    const spec = this.#find(type, field);
    found.set(field, spec);
    return spec;
  }

  /** The columns that the schema says for the fields of a type. */
  columnsOf(type: GraphQLObjectType): ColumnsByField {
    let columns = this.#columns.get(type);
    if (columns === undefined) {
      columns = this.#columnsOf(type);
      this.#columns.set(type, columns);
    }
    return columns;
  }

  #columnsOf(type: GraphQLObjectType): ColumnsByField {
    const columns: { [field: string]: ColumnSpec } = {};
    for (const field of Object.keys(type.getFields())) {
      const spec = this.of(type, field)?.spec;
      if (spec?.kind === 'column') columns[field] = spec;
    }
    return columns;
  }

  #find(type: GraphQLObjectType, field: string): FoundSpec | undefined {
    const owners = [type, ...type.getInterfaces()];
    const coordinates = owners.map((owner) => `${owner.name}.${field}`);
    const coordinate = coordinates.find((candidate) => Object.hasOwn(this.#fields, candidate));
    const spec = coordinate === undefined ? undefined : this.#fields[coordinate];
    return coordinate === undefined || spec === undefined ? undefined : { coordinate, spec };
  }
}
