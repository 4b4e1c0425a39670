import { type GraphQLObjectType, getNamedType, isEnumType } from 'graphql';
import type { ColumnSpec } from '../schema/spec.js';
import type { FieldSpecs } from './field-specs.js';

/** A row as `postgres` gives it. */
export type Row = Record<string, unknown>;

/** Where the fields of a row's type are among its columns, as far as the statement says it. */
export type RowColumns = { readonly [field: string]: ColumnSpec };

/** What the columns of rows mean. */
export interface RowMeaning {
  readonly type: GraphQLObjectType;
  readonly columns: RowColumns;
  /** Names the statement's columns: the same name stands for the same `columns`. */
  readonly name: string;
}

/** How rows with certain columns become readable by field names. */
interface RowShape {
  /** The columns. */
  present: readonly string[];
  /** Has an accessor for each field that has no column of its name. */
  prototype: object;
  /** Fields that have a column of their name but not its value. */
  replaced: readonly ReplacedField[];
}

interface ReplacedField {
  field: string;
  column: string;
  enumValues: EnumValues;
}

/** Values of an enum as resolvers have them, by the values of the database, where they differ. */
type EnumValues = ReadonlyMap<unknown, unknown> | undefined;

/** Statements of dynamic layers may have any columns: what is kept for them has a bound. */
const MAX_SHAPES = 1000;

/**
 * Lets resolvers read rows by the names of fields (`questionText`) beside those of columns
 * (`question_text`), without copying them: rows get a prototype with accessors.
 */
export class RowObjects {
  readonly #specs: FieldSpecs;
  readonly #shapes = new Map<string, RowShape>();
  /** The last shape of each meaning: its rows mostly have the same columns again. */
  readonly #last = new WeakMap<RowMeaning, RowShape>();

  constructor(specs: FieldSpecs) {
    this.#specs = specs;
  }

  /** Makes rows readable, in place. */
  adapt(rows: Row[], meaning: RowMeaning): void {
    const [first] = rows;
    if (first === undefined) return;
    const { prototype, replaced } = this.#shapeOf(Object.keys(first), meaning);
    for (const row of rows) {
      for (const { field, column, enumValues } of replaced) {
        row[field] = valueIn(enumValues, row[column]);
      }
      Object.setPrototypeOf(row, prototype);
    }
  }

  #shapeOf(present: readonly string[], meaning: RowMeaning): RowShape {
    const last = this.#last.get(meaning);
    if (last !== undefined && areEqual(last.present, present)) return last;
    const { type, columns, name } = meaning;
    const key = JSON.stringify([type.name, name, present]);
    let shape = this.#shapes.get(key);
    if (shape === undefined) {
      if (this.#shapes.size >= MAX_SHAPES) this.#shapes.clear();
      shape = this.#makeShape(present, type, columns);
      this.#shapes.set(key, shape);
    }
    this.#last.set(meaning, shape);
    return shape;
  }

  #makeShape(names: readonly string[], type: GraphQLObjectType, columns: RowColumns): RowShape {
    const present = new Set(names);
    const prototype: object = {};
    const replaced: ReplacedField[] = [];
    for (const field of Object.keys(type.getFields())) {
      const { column, enumNames } = this.#columnOf(field, type, columns, present);
      if (!present.has(column)) continue;
      const enumValues = enumValuesOf(type, field, enumNames);
      if (present.has(field)) {
        if (column !== field || enumValues !== undefined) {
          replaced.push({ field, column, enumValues });
        }
        continue;
      }
      Object.defineProperty(prototype, field, {
        configurable: true,
        enumerable: true,
        get(this: Row) {
          return valueIn(enumValues, this[column]);
        },
        // Resolvers may put what they like on their parents.
        set(this: Row, value: unknown) {
          Object.defineProperty(this, field, {
            value,
            configurable: true,
            enumerable: true,
            writable: true,
          });
        },
      });
    }
    return { present: names, prototype, replaced };
  }

  #columnOf(
    field: string,
    type: GraphQLObjectType,
    columns: RowColumns,
    present: ReadonlySet<string>,
  ): ColumnSpec {
    const spec = this.#specs.of(type, field)?.spec;
    const known = Object.hasOwn(columns, field) ? columns[field] : undefined;
    if (known !== undefined) return known;
    const said = spec?.kind === 'column' ? spec : { column: field };
    if (said.column !== field || present.has(field)) return said;
    return { ...said, column: snakeCase(field) };
  }
}

function areEqual(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((name, index) => name === others[index]);
}

function valueIn(enumValues: EnumValues, value: unknown): unknown {
  return enumValues?.has(value) ? enumValues.get(value) : value;
}

function enumValuesOf(
  type: GraphQLObjectType,
  field: string,
  enumNames: ColumnSpec['enumNames'],
): EnumValues {
  const definition = type.getFields()[field];
  if (enumNames === undefined || definition === undefined) return undefined;
  const enumType = getNamedType(definition.type);
  if (!isEnumType(enumType)) return undefined;
  const values = new Map<unknown, unknown>();
  for (const [stored, name] of Object.entries(enumNames)) {
    const value = enumType.getValue(name)?.value;
    if (String(value) !== stored) values.set(stored, value);
  }
  return values.size > 0 ? values : undefined;
}

/** The name that a column has in SQL when the field is in camel case. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
