import type { ArgType } from '@prisma/driver-adapter-utils';
import { PuffError } from '../../errors.js';
import { elementsOf, parameterOf } from '../arguments.js';
import { Placeholder } from './param.js';
import type { RowMapping } from './row-mapping.js';

/** Where a value comes from. */
export type ValueSource =
  | { kind: 'constant'; value: unknown }
  | { kind: 'placeholder'; name: string; isTime: boolean }
  | { kind: 'generator'; generate: ValueGenerator }
  | { kind: 'list'; elements: readonly ValueSource[] };

/** One parameter of a statement. */
export interface Parameter {
  source: ValueSource;
  type: ArgType;
  /** Whether it is the list of values of an `in`, which the statement takes as one array. */
  isList: boolean;
}

/** Makes a value that Prisma makes itself, such as `now()`; at the same time the same one. */
export type ValueGenerator = (at: Date) => unknown;

/** What is common to all queries that differ only in their values. */
export interface QueryShape {
  sql: string;
  parameters: readonly Parameter[];
  mapping: RowMapping;
}

/** Values by placeholder. */
export type PlaceholderValues = Readonly<Record<string, unknown>>;

/** Where the values of one statement come from. */
interface Filling {
  /** The values of Prisma's own placeholders. */
  own: PlaceholderValues;
  given: PlaceholderValues;
  missing: (name: string) => Placeholder;
  /** What is generated is of one time. */
  at: Date | undefined;
}

const NONE: PlaceholderValues = {};

/** The parameters of a statement, with {@link Placeholder} where the values have none. */
export function fillIn(shape: QueryShape, own: PlaceholderValues): unknown[] {
  return fill(shape, { own, given: NONE, missing: placeholder, at: undefined });
}

/**
 * The parameters of a statement whose placeholders all get a value.
 *
 * @throws {PuffError} `PUFF_PRISMA_PARAM` when one has none
 */
export function fillInAll(
  shape: QueryShape,
  own: PlaceholderValues,
  given: PlaceholderValues,
): unknown[] {
  return fill(shape, { own, given, missing: refuseMissing, at: undefined });
}

function placeholder(name: string): Placeholder {
  return new Placeholder(name);
}

function refuseMissing(name: string): never {
  throw new PuffError('PUFF_PRISMA_PARAM', `bind() was given no value for ${name}.`, {
    operation: 'bind',
    hint: 'Give a value for every param() of the query; null for NULL.',
  });
}

function fill({ parameters }: QueryShape, filling: Filling): unknown[] {
  const filled = new Array<unknown>(parameters.length);
  for (let index = 0; index < parameters.length; index++) {
    const { source, type, isList } = parameters[index] as Parameter;
    const value = valueFrom(source, filling);
    filled[index] =
      !isList || value instanceof Placeholder
        ? parameterOf(value, type)
        : elementsOf(Array.isArray(value) ? value : [value], type);
  }
  return filled;
}

function valueFrom(source: ValueSource, filling: Filling): unknown {
  switch (source.kind) {
    case 'constant':
      return source.value;
    case 'generator':
      filling.at ??= new Date();
      return source.generate(filling.at);
    case 'list':
      return source.elements.map((element) => valueFrom(element, filling));
    default: {
      const { name, isTime } = source;
      const value = filling.given[name] ?? filling.own[name] ?? null;
      if (value === null && isMissing(name, filling)) return filling.missing(name);
      return isTime && typeof value === 'string' ? new Date(value) : value;
    }
  }
}

/** Whether it has no value, not even NULL. */
function isMissing(name: string, { own, given }: Filling): boolean {
  return own[name] === undefined && given[name] === undefined;
}
