import { Sql, sql } from '../../postgres/sql.js';
import { schemaError } from './schema-error.js';
import { symbolOf } from './symbols.js';

/** The column of a statement for each parent that says whose row it is. */
export const PARENT_KEY = '__parent';

/** A statement for each parent; static layers know by it what joins its rows. */
export class PerParentSql extends Sql {
  /** The column of the parents; unknown where the values themselves were given. */
  readonly parentColumn: string | undefined;

  constructor(inner: Sql, parentColumn: string | undefined) {
    super(inner.strings, inner.values);
    this.parentColumn = parentColumn;
  }
}

/** Makes one statement of a statement for each parent; see {@link perParent}. */
export interface PerParent {
  /**
   * Runs a query once per parent inside of one statement, for what a plain join cannot say: the first
   * rows of each parent, for example.
   *
   *     perParent(parents.id, (parent) => sql`
   *       select * from choice where question_id = ${parent} order by votes desc limit 3
   *     `, { type: 'int4' })
   *
   * In a static layer the rows are joined to the parents by themselves. In a `layer`, give
   * `{ on: { id: perParent.key } }`.
   *
   * @param parents the values of one column of the parents
   * @param rows the query for one parent
   * @param options `type`: the PostgreSQL type of the column
   */
  (
    parents: readonly unknown[],
    rows: (parent: Sql) => Sql,
    options: { readonly type: string },
  ): Sql;
  /** The column of the rows that has the parent's value. */
  readonly key: string;
}

function perParentSql(
  parents: readonly unknown[],
  rows: (parent: Sql) => Sql,
  { type }: { readonly type: string },
): Sql {
  const symbol = symbolOf(parents);
  const column = symbol?.kind === 'parent' ? symbol.column : undefined;
  return new PerParentSql(lateral(sql`${parents}`, rows(PARENT), typeName(type)), column);
}

/** The statement that calls another one for each of an array's values. */
export function lateral(values: Sql, rows: Sql, type: string): Sql {
  return sql`select ${PARENT} as ${sql.identifier(PARENT_KEY)}, ${ROWS}.* from unnest(${values}::${sql.unsafe(type)}[]) as ${PARENTS}(${sql.identifier('key')}) cross join lateral (${rows}) as ${ROWS}`;
}

/** The name of a PostgreSQL type as it stands in SQL: only words, quoted words, dots and a size. */
export function typeName(type: string): string {
  if (
    /^(?:[a-z_]\w*|"[^"]+")(?:[ .](?:[a-z_]\w*|"[^"]+"))*(?: ?\(\d+(?:, ?\d+)?\))?$/i.test(type)
  ) {
    return type;
  }
  throw schemaError(
    'perParent',
    `\`${type}\` is no name of a PostgreSQL type`,
    "Give the type of the parents' column, for example 'int4', 'uuid' or 'text'.",
  );
}

const PARENTS = sql.identifier('__parents');
const ROWS = sql.identifier('__rows');

/** One parent's value. */
export const PARENT: Sql = sql`${PARENTS}.${sql.identifier('key')}`;

/** Runs a query for each parent in one statement. */
export const perParent: PerParent = Object.assign(perParentSql, { key: PARENT_KEY });
