import { InternalError } from '../../errors.js';

/** What a column is in Prisma's result. */
export type ScalarType =
  | 'bigint'
  | 'boolean'
  | 'bytes'
  | 'datetime'
  | 'decimal'
  | 'enum'
  | 'float'
  | 'int'
  | 'json'
  | 'string'
  | 'unsupported';

/** A field that is one column. */
export interface ColumnMapping {
  kind: 'column';
  /** The field of Prisma's result. */
  name: string;
  /** The column of the statement's result, or the key in an object of JSON. */
  column: string;
  type: ScalarType;
  isList: boolean;
  /** Prisma's names by the database's, for an enum. */
  enumNames?: Readonly<Record<string, string>>;
}

/** A field that is an object, or a list of objects where the column holds one. */
export interface ObjectMapping {
  kind: 'object';
  /** The field of Prisma's result. */
  name: string;
  /** The column that holds the object as JSON; `null` when its columns are those of the row itself. */
  column: string | null;
  fields: readonly FieldMapping[];
  /** Whether nulls in a list of objects are left out. */
  skipsNulls: boolean;
}

export type FieldMapping = ColumnMapping | ObjectMapping;

/** How the rows of a statement are Prisma's result; plain data. */
export interface RowMapping {
  /**
   * `many`: a list; `first`: an object or null; `required`: an object, and no row is an error;
   * `count`: no rows, but how many were changed.
   */
  result: 'many' | 'first' | 'required' | 'count';
  fields: readonly FieldMapping[];
}

/** Makes a Decimal of the copy of Prisma that the client is of: programs ask what it is an instance of. */
export type MakeDecimal = (digits: string | number) => unknown;

/** A row as `postgres` gives it, or an object in a column of JSON. */
type Row = Readonly<Record<string, unknown>>;

/** Makes Prisma's objects of rows. */
export class RowReader {
  readonly #decimal: MakeDecimal;

  constructor(decimal: MakeDecimal) {
    this.#decimal = decimal;
  }

  /** Makes the object of a row. */
  read(row: Row, fields: readonly FieldMapping[]): Record<string, unknown> {
    return this.#object(row, fields, false);
  }

  #object(row: Row, fields: readonly FieldMapping[], isJson: boolean): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const field of fields) {
      result[field.name] =
        field.kind === 'column'
          ? this.#column(row[field.column], field, isJson)
          : this.#nested(row, field, isJson);
    }
    return result;
  }

  #nested(row: Row, { column, fields, skipsNulls }: ObjectMapping, isJson: boolean): unknown {
    if (column === null) return this.#object(row, fields, isJson);
    const value = row[column];
    if (!Array.isArray(value)) {
      return value === null ? null : this.#object(value as Row, fields, true);
    }
    const objects = skipsNulls ? value.filter((object) => object !== null) : value;
    return objects.map((object) => this.#object(object as Row, fields, true));
  }

  #column(value: unknown, field: ColumnMapping, isJson: boolean): unknown {
    if (value === null || value === undefined) return field.isList ? [] : null;
    if (!field.isList) return this.#scalar(value, field, isJson);
    return (value as unknown[]).map((element) => this.#scalar(element, field, isJson));
  }

  #scalar(value: unknown, field: ColumnMapping, isJson: boolean): unknown {
    if (value === null) return null;
    switch (field.type) {
      case 'int':
        return Math.trunc(Number(value));
      case 'bigint':
        return BigInt(value as string | number | bigint);
      case 'float':
        return Number(value);
      case 'decimal':
        return this.#decimal(value as string | number);
      case 'datetime':
        return readTime(value);
      case 'bytes':
        return readBytes(value);
      case 'json':
        // In JSON that the statement made itself, Prisma wants JSON as text.
        return isJson && typeof value === 'string' ? JSON.parse(value) : value;
      case 'enum':
        return readEnum(value, field);
      default:
        return value;
    }
  }
}

/** Dates, times of day and times, with or without a zone: what has none is in UTC. */
function readTime(value: unknown): Date {
  if (typeof value !== 'string') return new Date(value as Date | number);
  if (/^\d{2}:\d{2}/.test(value)) return new Date(`1970-01-01T${value.replace(/[+-].*$/, '')}Z`);
  if (!value.includes(':')) return new Date(`${value}T00:00:00Z`);
  const iso = value.replace(' ', 'T');
  if (/(?:Z|[+-]\d{2}:\d{2})$/.test(iso)) return new Date(iso);
  return new Date(/[+-]\d{2}$/.test(iso) ? `${iso}:00` : `${iso}Z`);
}

function readBytes(value: unknown): Uint8Array {
  if (typeof value !== 'string') return new Uint8Array(value as Uint8Array);
  const isHex = value.startsWith('\\x');
  return new Uint8Array(Buffer.from(isHex ? value.slice(2) : value, isHex ? 'hex' : 'base64'));
}

function readEnum(value: unknown, { name, enumNames = {} }: ColumnMapping): string {
  const known = enumNames[String(value)];
  if (known !== undefined) return known;
  throw new InternalError(`The field ${name} has the value ${value}, which its enum lacks.`, {
    operation: 'toSql',
    hint: 'Run `prisma generate` after changes of the schema.',
  });
}
