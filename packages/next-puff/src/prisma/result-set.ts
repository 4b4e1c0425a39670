import type { ColumnType, SqlResultSet } from '@prisma/driver-adapter-utils';
import type { StatementResult } from '../boundary/completions.js';
import type { ColumnDescription } from '../boundary/rows.js';
import { columnTypeOf, MONEY, MONEY_ARRAY, TIMETZ, TIMETZ_ARRAY } from './column-types.js';

/** What the columns of a result are to Prisma; worked out once per shape. */
interface Header {
  names: string[];
  types: ColumnType[];
  /** The columns whose cells Prisma wants in another form, and how they get it. */
  rewrites: [index: number, rewrite: (cell: never) => unknown][];
}

const headers = new WeakMap<readonly ColumnDescription[], Header>();

function headerOf(columns: readonly ColumnDescription[]): Header {
  let header = headers.get(columns);
  if (header === undefined) {
    header = {
      names: columns.map(([name]) => name),
      types: columns.map(([, , isArray, typeOid]) => columnTypeOf(typeOid, isArray)),
      rewrites: columns.flatMap(([, , , typeOid], index): Header['rewrites'] => {
        const rewrite = rewriteOf(typeOid);
        return rewrite === undefined ? [] : [[index, rewrite]];
      }),
    };
    headers.set(columns, header);
  }
  return header;
}

function rewriteOf(typeOid: number): ((cell: never) => unknown) | undefined {
  switch (typeOid) {
    case MONEY:
      return moneyDigits;
    case MONEY_ARRAY:
      return (cells: (string | null)[]) => cells.map((cell) => cell && moneyDigits(cell));
    case TIMETZ:
      return withoutZone;
    case TIMETZ_ARRAY:
      return (cells: (string | null)[]) => cells.map((cell) => cell && withoutZone(cell));
    default:
      return undefined;
  }
}

/** `-$1,234.50` is the decimal `-1234.50`. */
function moneyDigits(text: string): string {
  return text.replace(/[^\d.-]/g, '');
}

/** Prisma's times of day have no zone. */
function withoutZone(text: string): string {
  return text.replace(/[+-]\d{2}(:\d{2}){0,2}$/, '');
}

/** Gives Prisma the plain rows of a result. */
export function resultSetOf({ rows, columns }: StatementResult): SqlResultSet {
  const { names, types, rewrites } = headerOf(columns);
  const cells = rows as unknown[][];
  for (const [index, rewrite] of rewrites) {
    for (const row of cells) {
      if (row[index] !== null) row[index] = rewrite(row[index] as never);
    }
  }
  return { columnNames: names, columnTypes: types, rows: cells };
}
