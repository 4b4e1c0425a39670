import { GraphQLError, type GraphQLObjectType } from 'graphql';
import type { AnsweredError, FieldAnswer, JsonValue, ObjectSet, Slot } from '../native/protocol.js';
import { checkType, runtimeTypeOf } from './abstract-types.js';
import { isComposite, type OutputShape, shapeOf } from './output-shape.js';
import { indicesOf, type KeptObjects, type ListPath } from './parents.js';
import { abandon, isPromise, type MaybePromise, settleAll, whenReady } from './promises.js';
import type { RequestedField } from './requested-field.js';

/** An object in its place: which type it turned out to have. */
class PlacedObject {
  constructor(
    readonly type: GraphQLObjectType,
    readonly object: unknown,
    readonly at: ListPath | undefined,
  ) {}
}

/** A completed value; below a composite type, objects are still in it. */
type Completed = JsonValue | PlacedObject | Completed[];

/** An error on its way up to the next position that may be null. */
class PropagatedError {
  constructor(
    readonly thrown: unknown,
    readonly at: ListPath | undefined,
  ) {}
}

/**
 * Completes what resolvers gave for one field of all parents (GraphQL specification, "CompleteValue"),
 * with the order and the messages of graphql-js.
 */
export class FieldCompletion {
  readonly #field: RequestedField;
  readonly #shape: OutputShape;
  readonly #completed: Completed[] = [];
  readonly #errors: AnsweredError[] = [];
  /** Positions that became null by an error; what fails below them later is not reported. */
  readonly #nulled = new Set<ListPath | number>();

  constructor(field: RequestedField) {
    this.#field = field;
    this.#shape = shapeOf(field.type);
  }

  /** Completes the value of one parent; never throws or rejects. */
  complete(parent: number, value: unknown): MaybePromise<void> {
    let completed: MaybePromise<Completed>;
    try {
      completed = isPromise(value)
        ? whenReady(value, (resolved) => this.#complete(this.#shape, resolved, parent, undefined))
        : this.#complete(this.#shape, value, parent, undefined);
    } catch (error) {
      this.fail(parent, error);
      return undefined;
    }
    if (!isPromise(completed)) {
      this.#completed[parent] = completed;
      return undefined;
    }
    return completed.then(
      (settled) => {
        this.#completed[parent] = settled;
      },
      (error) => this.fail(parent, error),
    );
  }

  /** Records that the field of one parent failed. */
  fail(parent: number, error: unknown): void {
    this.#completed[parent] = null;
    this.#addError(propagated(error, undefined), parent, undefined);
  }

  /**
   * The answer, when all parents are completed.
   *
   * @param keep takes a set of objects and returns its number
   */
  answer(keep: (objects: KeptObjects) => number): FieldAnswer {
    const { index } = this.#field;
    const errors = this.#errors.length > 0 ? { errors: this.#errors } : {};
    if (!isComposite(this.#shape)) {
      return { index, values: this.#completed as JsonValue[], ...errors };
    }
    const sets = new SetBuilder(this.#field);
    const slots = this.#completed.map((completed, parent) => sets.slotOf(completed, parent));
    return { index, slots, sets: sets.keptBy(keep), ...errors };
  }

  #complete(
    shape: OutputShape,
    value: unknown,
    parent: number,
    at: ListPath | undefined,
  ): MaybePromise<Completed> {
    if (value instanceof Error) throw value;
    if (shape.kind === 'nonNull') {
      const completed = this.#complete(shape.inner, value, parent, at);
      if (completed === null) {
        throw new GraphQLError(
          `Cannot return null for non-nullable field ${this.#field.coordinate}.`,
        );
      }
      return completed;
    }
    if (value === null || value === undefined) return null;
    switch (shape.kind) {
      case 'leaf':
        return shape.serialize(value);
      case 'list':
        return this.#completeList(shape.item, value, parent, at);
      case 'object':
        return this.#place(shape.type, value, parent, at);
      default: {
        const { context } = this.#field;
        const found = runtimeTypeOf(shape.type, value, context, this.#field.infoOf(parent));
        return whenReady(found, (objectType) => this.#place(objectType, value, parent, at));
      }
    }
  }

  #completeList(
    item: OutputShape,
    value: unknown,
    parent: number,
    outer: ListPath | undefined,
  ): MaybePromise<Completed> {
    if (!isIterable(value)) {
      throw new GraphQLError(
        `Expected Iterable, but did not find one for field "${this.#field.coordinate}".`,
      );
    }
    const items: MaybePromise<Completed>[] = [];
    try {
      for (const element of value) {
        items.push(this.#completeItem(item, element, parent, { outer, index: items.length }));
      }
    } catch (error) {
      abandon(items);
      if (Array.isArray(value)) abandon(value);
      throw error;
    }
    return settleAll(items);
  }

  #completeItem(
    shape: OutputShape,
    item: unknown,
    parent: number,
    at: ListPath,
  ): MaybePromise<Completed> {
    try {
      const completed = isPromise(item)
        ? whenReady(item, (resolved) => this.#complete(shape, resolved, parent, at))
        : this.#complete(shape, item, parent, at);
      if (!isPromise(completed)) return completed;
      return completed.then(undefined, (error) => this.#failItem(shape, error, parent, at));
    } catch (error) {
      return this.#failItem(shape, error, parent, at);
    }
  }

  #failItem(shape: OutputShape, thrown: unknown, parent: number, at: ListPath): null {
    const error = propagated(thrown, at);
    if (shape.kind === 'nonNull') throw error;
    this.#addError(error, parent, at);
    return null;
  }

  #place(
    type: GraphQLObjectType,
    object: unknown,
    parent: number,
    at: ListPath | undefined,
  ): MaybePromise<Completed> {
    const placed = new PlacedObject(type, object, at);
    if (!type.isTypeOf) return placed;
    const { context } = this.#field;
    const check = checkType(type, object, context, () => this.#field.infoOf(parent));
    return isPromise(check) ? check.then(() => placed) : placed;
  }

  #addError(error: PropagatedError, parent: number, nulledAt: ListPath | undefined): void {
    for (let step = nulledAt; step !== undefined; step = step.outer) {
      if (this.#nulled.has(step)) return;
    }
    if (this.#nulled.has(parent)) return;
    this.#nulled.add(nulledAt ?? parent);
    const path = indicesOf(error.at);
    this.#errors.push({ parent, path, ...this.#field.show(error.thrown, parent, path) });
  }
}

/** The error first knows its place where it is caught first. */
function propagated(thrown: unknown, at: ListPath | undefined): PropagatedError {
  return thrown instanceof PropagatedError ? thrown : new PropagatedError(thrown, at);
}

/** As graphql-js has it: strings are no lists. */
function isIterable(value: unknown): value is Iterable<unknown> {
  return (
    typeof value === 'object' &&
    typeof (value as { [Symbol.iterator]?: unknown } | null)?.[Symbol.iterator] === 'function'
  );
}

/** Sorts the objects of a field into sets by their type, in the order in which slots name them. */
class SetBuilder {
  readonly #field: RequestedField;
  readonly #sets: KeptObjects[] = [];
  readonly #indices = new Map<GraphQLObjectType, number>();

  constructor(field: RequestedField) {
    this.#field = field;
  }

  slotOf(completed: Completed, parent: number): Slot {
    if (completed instanceof PlacedObject) {
      const index = this.#indexOf(completed.type);
      (this.#sets[index] as KeptObjects).add(completed.object, parent, completed.at);
      return index;
    }
    if (!Array.isArray(completed)) return null;
    return completed.map((item) => this.slotOf(item, parent));
  }

  keptBy(keep: (objects: KeptObjects) => number): ObjectSet[] {
    return this.#sets.map((set) => ({
      type: set.type.name,
      id: keep(set),
      count: set.objects.length,
    }));
  }

  #indexOf(type: GraphQLObjectType): number {
    let index = this.#indices.get(type);
    if (index === undefined) {
      index = this.#sets.length;
      this.#sets.push(this.#field.keepObjectsOf(type));
      this.#indices.set(type, index);
    }
    return index;
  }
}
