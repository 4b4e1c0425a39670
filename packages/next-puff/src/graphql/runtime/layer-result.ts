import type { GraphQLOutputType } from 'graphql';
import { getNamedType, getNullableType, isLeafType, isListType } from 'graphql';
import { PuffError } from '../../errors.js';
import type { LayerOptions } from '../schema/field-source.js';
import type { ColumnsByField } from './field-specs.js';
import { propertyOf } from './parent-columns.js';
import { snakeCase } from './row-objects.js';

/** Pairs of a parent's column and the column of the rows that has the same value. */
export type Join = readonly (readonly [parent: string, child: string])[];

/** What a layer's rows are for. */
export interface JoinTarget {
  coordinate: string;
  fieldName: string;
  type: GraphQLOutputType;
  /** Columns of the rows' type by field, as far as the schema says them. */
  columns: ColumnsByField;
}

/** What a layer says of the values in its rows; see `LayerOptions`. */
export type LeafOptions = Pick<LayerOptions, 'value' | 'default'>;

/**
 * The value of each parent, when a layer returned values.
 *
 * @throws {PuffError} `PUFF_GRAPHQL_LAYER` when they are not one per parent
 */
export function alignedValues(result: unknown, count: number, coordinate: string): unknown[] {
  if (!Array.isArray(result)) {
    throw layerError(
      `The layer of ${coordinate} returned ${describe(result)}, and not a statement or an array`,
      'Return sql, a Prisma query without await, or an array with one value for each parent.',
    );
  }
  if (result.length !== count) {
    throw layerError(
      `The layer of ${coordinate} returned ${result.length} values for ${count} ${count === 1 ? 'parent' : 'parents'}`,
      'Return one value for each parent, in their order. Rows of the database are joined to their parents when the layer has `on`, or returns the query itself: without await, from a function that is not async.',
    );
  }
  return result;
}

/** Whether what a layer with `on` returned are rows: objects with all columns that join them. */
export function areRows(result: readonly unknown[], join: Join, target: JoinTarget): boolean {
  return (
    join.length > 0 &&
    result.every(
      (row) =>
        typeof row === 'object' &&
        row !== null &&
        !Array.isArray(row) &&
        !(row instanceof Error) &&
        join.every(([, child]) => nameIn(row, child, target.columns) !== undefined),
    )
  );
}

/** Gives each parent its rows, as the engine does it with the rows of a statement. */
export function joinRows(
  rows: readonly unknown[],
  parents: readonly unknown[],
  join: Join,
  target: JoinTarget,
  options: LeafOptions,
): unknown[] {
  const isList = isListType(getNullableType(target.type));
  const readValue = leafReader(rows, join, target, options.value);
  if (join.length === 0) {
    const values = rows.map(readValue);
    const value = values.length > 0 ? values[0] : options.default;
    return parents.map(() => (isList ? values : value));
  }
  const first = rows[0] as object | undefined;
  const children = join.map(([, child]) => nameIn(first ?? {}, child, target.columns) ?? child);
  const groups = new Map<string, unknown[]>();
  for (const row of rows) {
    const key = keyOf(children.map((child) => propertyOf(row, child)));
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [readValue(row)]);
    else group.push(readValue(row));
  }
  return parents.map((parent) => {
    const key = keyOf(join.map(([column]) => propertyOf(parent, column)));
    const group = key === undefined ? undefined : groups.get(key);
    if (group === undefined) return isList ? [] : options.default;
    return isList ? group : group[0];
  });
}

/** A field of a leaf type wants one property of its row. */
function leafReader(
  rows: readonly unknown[],
  join: Join,
  { type, fieldName, coordinate, columns }: JoinTarget,
  value: string | undefined,
): (row: unknown) => unknown {
  const [first] = rows;
  const isPlain = !isLeafType(getNamedType(type)) || typeof first !== 'object' || first === null;
  if (isPlain) return (row) => row;
  const own = nameIn(first, value ?? fieldName, columns);
  if (own !== undefined) return (row) => propertyOf(row, own);
  const joined = new Set(join.map(([, child]) => nameIn(first, child, columns)));
  const others = Object.keys(first).filter((name) => !joined.has(name));
  if (others.length !== 1) {
    throw layerError(
      `The rows for ${coordinate} have ${others.join(', ')}: it is not clear which is its value`,
      `Call the column ${fieldName}.`,
    );
  }
  return (row) => propertyOf(row, others[0] as string);
}

/** The property of a row that is a column: rows of Prisma are named by fields, others by columns. */
function nameIn(row: object, column: string, columns: JoinTarget['columns']): string | undefined {
  if (column in row) return column;
  for (const [field, spec] of Object.entries(columns)) {
    if (spec.column === column && field in row) return field;
  }
  return Object.keys(row).find((name) => snakeCase(name) === snakeCase(column));
}

/** Values that PostgreSQL takes for equal have the same key; null is equal to nothing. */
function keyOf(values: readonly unknown[]): string | undefined {
  const parts: string[] = [];
  for (const value of values) {
    if (value === null || value === undefined) return undefined;
    parts.push(value instanceof Date ? value.toISOString() : String(value));
  }
  return JSON.stringify(parts);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** An error of how a layer is written (`PUFF_GRAPHQL_LAYER`). */
export function layerError(what: string, hint: string, cause?: unknown): PuffError {
  return new PuffError('PUFF_GRAPHQL_LAYER', `${what}.`, { operation: 'layer', hint, cause });
}
