import type { GraphQLObjectType, GraphQLResolveInfo } from 'graphql';
import type { CollectedFields } from './collected-fields.js';

/** A place in a response, innermost first, as graphql-js has it. */
export type ResponsePath = GraphQLResolveInfo['path'];

/** The objects whose fields one ask wants. */
export interface Parents {
  readonly type: GraphQLObjectType;
  /** What is selected of them. */
  readonly fields: CollectedFields;
  readonly objects: readonly unknown[];
  /** Where an object is in the response; nothing for the root. */
  pathOf(index: number): ResponsePath | undefined;
}

/** The indices of the lists around a value inside a field, innermost first. */
export interface ListPath {
  readonly outer: ListPath | undefined;
  readonly index: number;
}

/** The indices, outermost first. */
export function indicesOf(at: ListPath | undefined): number[] {
  const indices: number[] = [];
  for (let step = at; step !== undefined; step = step.outer) indices.unshift(step.index);
  return indices;
}

/** Where the objects of a set are: below a field of other parents. */
interface Origin {
  parents: Parents;
  key: string;
}

/** Objects of one type that came from one field; kept until the operation ends. */
export class KeptObjects implements Parents {
  readonly type: GraphQLObjectType;
  readonly fields: CollectedFields;
  readonly objects: unknown[] = [];
  readonly #origin: Origin;
  readonly #parentIndices: number[] = [];
  readonly #listPaths: (ListPath | undefined)[] = [];
  #paths: ResponsePath[] | undefined;

  constructor(type: GraphQLObjectType, fields: CollectedFields, parents: Parents, key: string) {
    this.type = type;
    this.fields = fields;
    this.#origin = { parents, key };
  }

  /** Adds an object of one parent. */
  add(object: unknown, parent: number, at: ListPath | undefined): void {
    this.objects.push(object);
    this.#parentIndices.push(parent);
    this.#listPaths.push(at);
  }

  pathOf(index: number): ResponsePath {
    this.#paths ??= [];
    let path = this.#paths[index];
    if (path === undefined) {
      const { parents, key } = this.#origin;
      const prev = parents.pathOf(this.#parentIndices[index] as number);
      path = { prev, key, typename: parents.type.name };
      for (const step of indicesOf(this.#listPaths[index])) {
        path = { prev: path, key: step, typename: undefined };
      }
      this.#paths[index] = path;
    }
    return path;
  }
}

/** Parents whose place has no indices: the root, and rows, whose own parents only the engine knows. */
export class PlacedObjects implements Parents {
  readonly type: GraphQLObjectType;
  readonly fields: CollectedFields;
  readonly objects: readonly unknown[];
  readonly #path: ResponsePath | undefined;

  constructor(
    type: GraphQLObjectType,
    fields: CollectedFields,
    objects: readonly unknown[],
    path?: ResponsePath,
  ) {
    this.type = type;
    this.fields = fields;
    this.objects = objects;
    this.#path = path;
  }

  pathOf(): ResponsePath | undefined {
    return this.#path;
  }
}
