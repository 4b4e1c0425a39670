import pgTypes from 'pg-types';
import type { StatementResult } from '../boundary/completions.js';
import type { ColumnDescription } from '../boundary/rows.js';
import type { TypeParser, TypeSource } from './type-overrides.js';

/** A column of a result. */
export interface Field {
  name: string;
  tableID: number;
  columnID: number;
  dataTypeID: number;
  dataTypeSize: number;
  dataTypeModifier: number;
  format: string;
}

/** The commands whose tag ends with a number of rows. */
const COUNTING = new Set([
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'MERGE',
  'FETCH',
  'MOVE',
  'COPY',
]);

/** What a query gave, as node-postgres has it. */
export class Result {
  /** The first word of the command tag, for example `SELECT`; null for an empty text. */
  command: string | null = null;
  /** Rows selected or changed; null for commands that have no such number. */
  rowCount: number | null = null;
  oid: number | null = null;
  rows: unknown[] = [];
  fields: Field[] = [];
  _parsers: TypeParser[] | undefined = undefined;
  _types: TypeSource | undefined;
  RowCtor: null = null;
  rowAsArray: boolean;

  constructor(rowMode?: string, types?: TypeSource) {
    this._types = types;
    this.rowAsArray = rowMode === 'array';
  }

  /** Makes it of what the core answered. */
  static of(statement: StatementResult, rowMode: string | undefined, types: TypeSource): Result {
    const result = new Result(rowMode, types);
    result.rows = statement.rows;
    result.fields = fieldsOf(statement.columns).slice();
    const { command } = statement;
    if (command !== '') {
      const space = command.indexOf(' ');
      result.command = space < 0 ? command : command.slice(0, space);
      if (COUNTING.has(command)) result.rowCount = statement.rowCount;
      if (command === 'INSERT') result.oid = 0;
    }
    return result;
  }

  /** Takes the columns of the rows to come; for what reads the protocol itself. */
  addFields(fields: Field[]): void {
    this.fields = fields;
    const types = this._types ?? (pgTypes as unknown as TypeSource);
    this._parsers = fields.map(({ dataTypeID, format }) =>
      types.getTypeParser(dataTypeID, format === 'binary' ? 'binary' : 'text'),
    );
  }

  /** Makes a row of its values as they came. */
  parseRow(values: readonly (string | Buffer | null)[]): unknown {
    const row = values.map((value, index) =>
      value === null ? null : this._parsers?.[index]?.(value as never),
    );
    if (this.rowAsArray) return row;
    return Object.fromEntries(row.map((value, index) => [this.fields[index]?.name, value]));
  }

  addRow(row: unknown): void {
    this.rows.push(row);
  }

  /** Takes the end of the command. */
  addCommandComplete({ text }: { text: string }): void {
    const [, command, first, second] = /^([A-Za-z]+)(?: (\d+))?(?: (\d+))?/.exec(text) ?? [];
    if (command === undefined) return;
    this.command = command;
    if (second !== undefined) {
      this.oid = Number(first);
      this.rowCount = Number(second);
    } else if (first !== undefined) {
      this.rowCount = Number(first);
    }
  }
}

const fields = new WeakMap<readonly ColumnDescription[], Field[]>();

/** The fields of these columns, which all results with them share. */
function fieldsOf(columns: readonly ColumnDescription[]): Field[] {
  let made = fields.get(columns);
  if (made === undefined) {
    made = columns.map(fieldOf);
    fields.set(columns, made);
  }
  return made;
}

function fieldOf(column: ColumnDescription): Field {
  return Object.freeze({
    name: column[0],
    tableID: column[4],
    columnID: column[5],
    dataTypeID: column[3],
    dataTypeSize: column[6],
    dataTypeModifier: column[7],
    format: 'text',
  });
}
