import {
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  getArgumentValues,
} from 'graphql';
import type { AskedField } from '../native/protocol.js';
import type { ErrorPlace, ShownError } from './failures.js';
import type { OperationState } from './operation.js';
import { KeptObjects, type Parents, type ResponsePath } from './parents.js';

/** One field of an ask: what is known of it for all parents. */
export class RequestedField {
  readonly index: number;
  readonly key: string;
  readonly definition: GraphQLField<unknown, unknown>;
  readonly nodes: readonly FieldNode[];
  readonly parents: Parents;
  readonly context: unknown;
  readonly #operation: OperationState;
  #args: { [name: string]: unknown } | undefined;

  constructor(
    { index, key }: AskedField,
    definition: GraphQLField<unknown, unknown>,
    nodes: readonly FieldNode[],
    parents: Parents,
    operation: OperationState,
    context: unknown,
  ) {
    this.index = index;
    this.key = key;
    this.definition = definition;
    this.nodes = nodes;
    this.parents = parents;
    this.context = context;
    this.#operation = operation;
  }

  /** What it returns. */
  get type(): GraphQLOutputType {
    return this.definition.type;
  }

  /** `Type.field`. */
  get coordinate(): string {
    return `${this.parents.type.name}.${this.definition.name}`;
  }

  /**
   * The arguments as graphql-js gives them to resolvers: with the functions of custom scalars, and the
   * internal values of enums.
   *
   * @throws {GraphQLError} when a custom scalar does not take a value
   */
  args(): { [name: string]: unknown } {
    this.#args ??= this.#readArgs();
    return this.#args;
  }

  #readArgs(): { [name: string]: unknown } {
    if (this.definition.args.length === 0) return {};
    const { variableValues } = this.#operation;
    return getArgumentValues(this.definition, this.nodes[0] as FieldNode, variableValues);
  }

  /** What resolvers get as their fourth argument. */
  infoOf(parent: number): GraphQLResolveInfo {
    return this.#info({
      prev: this.parents.pathOf(parent),
      key: this.key,
      typename: this.parents.type.name,
    });
  }

  /** The info of all parents at once: its path is that of the first, without the indices. */
  layerInfo(): GraphQLResolveInfo {
    const keys: ResponsePath[] = [];
    const first = this.parents.objects.length > 0 ? this.parents.pathOf(0) : undefined;
    for (let step = first; step !== undefined; step = step.prev) {
      if (typeof step.key === 'string') keys.unshift(step);
    }
    let prev: ResponsePath | undefined;
    for (const { key, typename } of keys) prev = { prev, key, typename };
    return this.#info({ prev, key: this.key, typename: this.parents.type.name });
  }

  /** An empty set for objects of this field. */
  keepObjectsOf(type: GraphQLObjectType): KeptObjects {
    const fields = this.#operation.collector.collect(type, this.nodes);
    return new KeptObjects(type, fields, this.parents, this.key);
  }

  /** What clients see of an error of one parent. */
  show(thrown: unknown, parent: number, indices: readonly number[]): ShownError {
    return this.#operation.mask.show(thrown, () => this.placeOf(parent, indices));
  }

  /** Where an error is, for reports. */
  placeOf(parent: number, indices: readonly number[]): ErrorPlace {
    const path: (string | number)[] = [];
    for (let step = this.parents.pathOf(parent); step !== undefined; step = step.prev) {
      path.unshift(step.key);
    }
    path.push(this.key, ...indices);
    return { coordinate: this.coordinate, path, operationName: this.#operation.name };
  }

  #info(path: ResponsePath): GraphQLResolveInfo {
    const { schema, fragments, operation, variableValues, rootValue } = this.#operation;
    return {
      fieldName: this.definition.name,
      fieldNodes: this.nodes,
      returnType: this.definition.type,
      parentType: this.parents.type,
      path,
      schema,
      fragments,
      rootValue,
      operation,
      variableValues,
    };
  }
}
