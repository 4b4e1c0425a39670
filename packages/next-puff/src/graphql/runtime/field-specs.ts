import type { GraphQLObjectType } from 'graphql';
import type { FieldSpec, SchemaSpec } from '../schema/spec.js';

/** What a schema says of a field, and under which coordinate it says it. */
export interface FoundSpec {
  coordinate: string;
  spec: FieldSpec;
}

/** How fields are resolved: object types take over what their interfaces say. */
export class FieldSpecs {
  readonly #fields: SchemaSpec['fields'];
  readonly #found = new Map<string, FoundSpec | undefined>();

  constructor({ fields }: SchemaSpec) {
    this.#fields = fields;
  }

  /** What the schema says of a field; nothing for one that is read from its parent. */
  of(type: GraphQLObjectType, field: string): FoundSpec | undefined {
    const key = `${type.name}.${field}`;
    if (this.#found.has(key)) return this.#found.get(key);
    const owners = [type, ...type.getInterfaces()];
    const coordinates = owners.map((owner) => `${owner.name}.${field}`);
    const coordinate = coordinates.find((candidate) => Object.hasOwn(this.#fields, candidate));
    const spec = coordinate === undefined ? undefined : this.#fields[coordinate];
    const found = coordinate === undefined || spec === undefined ? undefined : { coordinate, spec };
    this.#found.set(key, found);
    return found;
  }
}
