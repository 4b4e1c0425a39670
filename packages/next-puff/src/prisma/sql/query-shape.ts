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

/** The parameters of a statement, with {@link Placeholder} where the values have none. */
export function fillIn(shape: QueryShape, values: PlaceholderValues): unknown[] {
  return fill(shape, values, (name) => new Placeholder(name));
}

/**
 * The parameters of a statement whose placeholders all get a value.
 *
 * @throws {PuffError} `PUFF_PRISMA_PARAM` when one has none
 */
export function fillInAll(shape: QueryShape, values: PlaceholderValues): unknown[] {
  return fill(shape, values, refuseMissing);
}

function refuseMissing(name: string): never {
  throw new PuffError('PUFF_PRISMA_PARAM', `bind() was given no value for ${name}.`, {
    operation: 'bind',
    hint: 'Give a value for every param() of the query; null for NULL.',
  });
}

function fill(
  { parameters }: QueryShape,
  values: PlaceholderValues,
  missing: (name: string) => Placeholder,
): unknown[] {
  let at: Date | undefined;
  const resolve = (source: ValueSource): unknown => {
    switch (source.kind) {
      case 'constant':
        return source.value;
      case 'generator':
        at ??= new Date();
        return source.generate(at);
      case 'list':
        return source.elements.map(resolve);
      default: {
        const value = values[source.name];
        if (value === undefined) return missing(source.name);
        return source.isTime && typeof value === 'string' ? new Date(value) : value;
      }
    }
  };
  return parameters.map(({ source, type, isList }) => {
    const value = resolve(source);
    if (!isList || value instanceof Placeholder) return parameterOf(value, type);
    return elementsOf(Array.isArray(value) ? value : [value], type);
  });
}
