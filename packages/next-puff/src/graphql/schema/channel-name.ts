import {
  type GraphQLArgument,
  type GraphQLInputType,
  getNullableType,
  isEnumType,
  isNonNullType,
  isScalarType,
} from 'graphql';
import type { ChannelPartSpec } from './spec.js';
import { literalsOf } from './static-call.js';
import type { ChannelCall } from './subscribe.js';

type NameFunction = (call: ChannelCall<never, never>) => unknown;

/** Stands for what the name depends on and is no argument: then JavaScript has to make it. */
class NotStatic extends Error {}

/** Around the number of an argument in a text; no name that an app makes has it. */
const MARK = '\u0000';

/**
 * The parts of a channel's name, if it is put together of texts and arguments alone; nothing if it has to
 * be made for each subscription.
 *
 * The function is called with what stands for the arguments, and again with values: what it makes of them
 * must be what the parts make.
 */
export function channelParts(
  name: NameFunction,
  args: readonly GraphQLArgument[],
): ChannelPartSpec[] | undefined {
  const symbols: Record<string, unknown> = {};
  args.forEach((arg, index) => {
    Object.defineProperty(symbols, arg.name, {
      enumerable: true,
      get: () => {
        if (!isPlain(arg.type)) throw new NotStatic();
        return { [Symbol.toPrimitive]: () => `${MARK}${index}${MARK}` };
      },
    });
  });
  const text = called(name, symbols);
  if (text === undefined) return undefined;
  const parts = text.split(MARK).flatMap((piece, index): ChannelPartSpec[] => {
    const arg = index % 2 === 1 ? args[Number(piece)] : undefined;
    if (arg !== undefined) return [{ arg: [arg.name] }];
    return piece === '' ? [] : [{ text: piece }];
  });
  for (const values of samples(name, args)) {
    if (called(name, values) !== written(parts, values)) return undefined;
  }
  return parts;
}

/** What the function makes of values; nothing if it needs more than them, or makes no text. */
function called(name: NameFunction, args: Record<string, unknown>): string | undefined {
  const context = new Proxy(
    {},
    {
      get() {
        throw new NotStatic();
      },
    },
  );
  try {
    const result = name({ args, context } as never);
    if (typeof result === 'string') return result;
    if (result instanceof Promise) result.catch(() => {});
  } catch {
    // Whatever it is, it will be thrown again when the function is called for a subscription.
  }
  return undefined;
}

function written(parts: readonly ChannelPartSpec[], values: Record<string, unknown>): string {
  return parts
    .map((part) => ('text' in part ? part.text : `${values[part.arg[0] as string]}`))
    .join('');
}

/** Whether all values of a type are written by the core as JavaScript would write them. */
function isPlain(type: GraphQLInputType): boolean {
  const inner = getNullableType(type);
  if (isEnumType(inner)) return inner.getValues().every(({ name, value }) => name === value);
  return isScalarType(inner) && ['ID', 'String', 'Int', 'Boolean'].includes(inner.name);
}

/** Values for all arguments, so that every condition on one of them shows. */
function* samples(
  name: NameFunction,
  args: readonly GraphQLArgument[],
): Generator<Record<string, unknown>> {
  const all = (sampleOf: (arg: GraphQLArgument) => unknown) =>
    Object.fromEntries(args.map((arg) => [arg.name, sampleOf(arg)]));
  const first = (arg: GraphQLArgument) => valuesOf(arg.type)[0];
  for (const arg of args) {
    const others = isNonNullType(arg.type) ? [] : [null, undefined];
    for (const value of [...valuesOf(arg.type), ...others]) {
      yield { ...all(first), [arg.name]: value };
    }
  }
  for (const literal of literalsOf(name as never)) yield all(() => literal);
}

function valuesOf(type: GraphQLInputType): unknown[] {
  const inner = getNullableType(type);
  if (isEnumType(inner)) return inner.getValues().map(({ value }) => value);
  if (!isScalarType(inner)) return [];
  if (inner.name === 'Boolean') return [true, false];
  return inner.name === 'Int' ? [7, 0, -1] : ['x', '', '0'];
}
