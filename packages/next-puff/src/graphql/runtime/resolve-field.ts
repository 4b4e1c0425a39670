import type { GraphQLFieldResolver } from 'graphql';
import type { FieldAnswer } from '../native/protocol.js';
import type { FieldSpec } from '../schema/spec.js';
import { FieldCompletion } from './completion.js';
import type { OperationState } from './operation.js';
import { isPromise, type MaybePromise } from './promises.js';
import type { RequestedField } from './requested-field.js';

type Resolver = GraphQLFieldResolver<unknown, unknown>;

/** Calls a field's resolver for each parent, and completes what it gives; never throws or rejects. */
export function resolveField(
  field: RequestedField,
  spec: FieldSpec | undefined,
  operation: OperationState,
): MaybePromise<FieldAnswer> {
  const completion = new FieldCompletion(field);
  const column = spec?.kind === 'column' ? spec.column : undefined;
  const { objects } = field.parents;
  const waiting: Promise<void>[] = [];
  const resolve: Resolver | undefined = field.definition.resolve;
  for (let parent = 0; parent < objects.length; parent++) {
    let value: unknown;
    try {
      value =
        resolve === undefined
          ? defaultValue(field, objects[parent], parent, column)
          : resolve(objects[parent], field.args(), field.context, field.infoOf(parent));
    } catch (error) {
      completion.fail(parent, error);
      continue;
    }
    const completed = completion.complete(parent, value);
    if (isPromise(completed)) waiting.push(completed);
  }
  return answerOf(completion, waiting, operation);
}

/** Completes values that a layer gave, one for each parent. */
export function completeValues(
  field: RequestedField,
  values: readonly unknown[],
  operation: OperationState,
): MaybePromise<FieldAnswer> {
  const completion = new FieldCompletion(field);
  const waiting: Promise<void>[] = [];
  for (let parent = 0; parent < values.length; parent++) {
    const completed = completion.complete(parent, values[parent]);
    if (isPromise(completed)) waiting.push(completed);
  }
  return answerOf(completion, waiting, operation);
}

function answerOf(
  completion: FieldCompletion,
  waiting: Promise<void>[],
  operation: OperationState,
): MaybePromise<FieldAnswer> {
  const answer = () => completion.answer((objects) => operation.keep(objects));
  return waiting.length === 0 ? answer() : Promise.all(waiting).then(answer);
}

/**
 * The property with the field's name, or what the method of that name returns; or else the property
 * with the name of the field's column.
 */
function defaultValue(
  field: RequestedField,
  object: unknown,
  parent: number,
  column: string | undefined,
): unknown {
  if ((typeof object !== 'object' && typeof object !== 'function') || object === null) {
    return undefined;
  }
  const { name } = field.definition;
  const property = (object as Record<string, unknown>)[name];
  if (property === undefined && column !== undefined) {
    return (object as Record<string, unknown>)[column];
  }
  if (typeof property !== 'function') return property;
  const target = object as Record<string, Resolver>;
  return (target[name] as (...args: unknown[]) => unknown)(
    field.args(),
    field.context,
    field.infoOf(parent),
  );
}
