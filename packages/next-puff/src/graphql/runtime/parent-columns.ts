import { PuffError } from '../../errors.js';
import type { JsonValue } from '../native/protocol.js';
import type { ParentColumns } from '../schema/field-source.js';
import type { Parents } from './parents.js';

/**
 * The columns of parents: `parents.id` has the `id` of each parent, in their order. Iterating gives the
 * parents themselves.
 *
 * @param isRows whether the parents are rows, whose columns are known: an unknown one then throws
 */
export function columnsOf(
  { objects, type }: Parents,
  isRows: boolean,
): ParentColumns<Record<string, unknown>> {
  const columns = new Map<string, unknown[]>();
  const read = (name: string) => {
    let column = columns.get(name);
    if (column === undefined) {
      if (isRows) checkColumn(objects, name, type.name);
      column = objects.map((object) => propertyOf(object, name));
      columns.set(name, column);
    }
    return column;
  };
  return new Proxy<Record<string, unknown[]>>(Object.create(null), {
    get(_target, name) {
      if (name === Symbol.iterator) return () => objects[Symbol.iterator]();
      return typeof name === 'string' ? read(name) : undefined;
    },
    set() {
      throw new TypeError('The columns of the parents cannot be changed.');
    },
  });
}

/** The property of an object, also for a column's name: objects of Prisma have `authorId` for `author_id`. */
export function propertyOf(object: unknown, name: string): unknown {
  if (object === null || object === undefined) return undefined;
  const value = (object as Record<string, unknown>)[name];
  if (value !== undefined || !name.includes('_')) return value;
  const camelCase = name.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
  return (object as Record<string, unknown>)[camelCase];
}

function checkColumn(rows: readonly unknown[], name: string, type: string): void {
  const [first] = rows;
  if (first === undefined || name in (first as object)) return;
  throw new PuffError(
    'PUFF_GRAPHQL_COLUMN',
    `The rows of ${type} have no column ${name}: they have ${Object.keys(first as object).join(', ')}.`,
    {
      operation: 'layer',
      hint: `Let the statement that fetches ${type} select it.`,
    },
  );
}

/** A property of each object as JSON, for the parameters of statements below. */
export function propertyValues(objects: readonly unknown[], name: string): JsonValue[] {
  return objects.map((object) => {
    const value = propertyOf(object, name);
    switch (typeof value) {
      case 'undefined':
      case 'function':
      case 'symbol':
        return null;
      case 'bigint':
        return value.toString();
      default:
        return value as JsonValue;
    }
  });
}
