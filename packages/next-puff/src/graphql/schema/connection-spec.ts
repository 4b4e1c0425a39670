import { type GraphQLField, getNamedType, isObjectType } from 'graphql';
import { isSql, type Sql, sql } from '../../postgres/sql.js';
import type { ConnectionField, ConnectionSymbols, OrderKey } from './field-source.js';
import { lateral, PARENT, PARENT_KEY, typeName } from './per-parent.js';
import { notStatic, schemaError } from './schema-error.js';
import type { ConnectionSpec, PageSizeSpec, StatementSpec } from './spec.js';
import { EngineParam, renderShared, sqlStatement } from './sql-statement.js';
import { callStatic } from './static-call.js';
import type { FieldSymbols } from './symbols.js';

const PAGE_SIZE: PageSizeSpec = { default: 20, max: 100 };
const ROWS = sql.identifier('__rows');
const PAGE = sql.identifier('__page');

/** The two ends of a page. */
type End = 'after' | 'before';

/**
 * Makes the statements of a connection.
 *
 * @throws {PuffError} as static layers do
 */
export function connectionSpec(
  field: GraphQLField<unknown, unknown>,
  { options }: ConnectionField,
  symbols: FieldSymbols,
  isRoot: boolean,
): ConnectionSpec {
  const { coordinate } = symbols;
  const { perParent } = options;
  checkType(coordinate, field);
  const pageSize = pageSizeOf(coordinate, options.pageSize);
  const keys = keysOf(coordinate, options.orderBy);
  if (isRoot && perParent !== undefined) {
    throw schemaError(
      coordinate,
      'fields of an operation have no parents',
      'Take `perParent` away.',
    );
  }
  if (!isRoot && perParent === undefined) {
    throw schemaError(
      coordinate,
      'a connection below the operation needs `perParent`',
      "Say which column of the parents the rows belong to: `perParent: { column: 'id', type: 'int4' }`, and use `parent` in `rows`.",
    );
  }
  const call = callStatic((input) => {
    const rows = options.rows as (symbols: ConnectionSymbols<never, never, never>) => Sql;
    return rows({ ...(input as object as ConnectionSymbols<never, never, never>), parent: PARENT });
  }, symbols);
  if (!isSql(call.result)) {
    throw notStatic(
      coordinate,
      'its rows are not sql`...`',
      'Write the rows of a connection with `sql`.',
    );
  }
  const rows = call.result;
  sqlStatement(call, rows);
  const finish = (statement: Sql): StatementSpec => {
    if (perParent === undefined) return renderShared(coordinate, statement);
    const values = sql`${new EngineParam({ parent: perParent.column })}`;
    return {
      ...renderShared(coordinate, lateral(values, statement, typeName(perParent.type))),
      on: [[perParent.column, PARENT_KEY]],
    };
  };
  const hasArg = (name: string) => field.args.some((arg) => arg.name === name);
  const page = (end: End) => finish(pageOf(rows, keys, end, pageSize, hasArg));
  const spec: ConnectionSpec = {
    forward: page('after'),
    backward: page('before'),
    cursor: keys.map(({ column }) => column),
    pageSize,
  };
  const type = getNamedType(field.type);
  if (isObjectType(type) && type.getFields().totalCount !== undefined) {
    spec.total = {
      ...finish(
        sql`select count(*)::int as ${sql.identifier('totalCount')} from (${rows}) as ${ROWS}`,
      ),
      value: 'totalCount',
      default: 0,
    };
  }
  return spec;
}

function checkType(coordinate: string, field: GraphQLField<unknown, unknown>): void {
  const type = getNamedType(field.type);
  const fields = isObjectType(type) ? type.getFields() : {};
  if (fields.pageInfo === undefined || !(fields.edges ?? fields.nodes)) {
    throw schemaError(
      coordinate,
      `\`${type.name}\` is no type of a connection: it needs \`pageInfo\` and \`edges\``,
      "`connectionTypes('Question')` writes the types of a connection over Question.",
    );
  }
  if (!field.args.some(({ name }) => name === 'first' || name === 'last')) {
    throw schemaError(
      coordinate,
      'a connection needs the argument `first` or `last`',
      'Add the arguments first: Int, after: String, last: Int, before: String.',
    );
  }
}

function pageSizeOf(
  coordinate: string,
  given: { readonly default?: number; readonly max?: number } = {},
): PageSizeSpec {
  const max = given.max ?? Math.max(PAGE_SIZE.max, given.default ?? 0);
  const size = { default: given.default ?? Math.min(PAGE_SIZE.default, max), max };
  const isRight =
    Number.isInteger(size.default) && Number.isInteger(max) && size.default > 0 && max > 0;
  if (isRight && size.default <= max) return size;
  throw schemaError(
    coordinate,
    `the page size ${JSON.stringify(given)} cannot be`,
    'Give positive whole numbers, and a default that is not above the maximum.',
  );
}

type Key = Required<OrderKey>;

function keysOf(coordinate: string, orderBy: readonly (string | OrderKey)[]): Key[] {
  if (orderBy.length === 0) {
    throw schemaError(
      coordinate,
      'the connection has no order',
      'Give the columns to order by, the last of them unique: `orderBy: ["id"]`.',
    );
  }
  return orderBy.map((key) => {
    const { column, direction = 'asc' } = typeof key === 'string' ? { column: key } : key;
    if (direction === 'asc' || direction === 'desc') return { column, direction };
    throw schemaError(
      coordinate,
      `there is no direction ${JSON.stringify(direction)}`,
      "Use 'asc' or 'desc'.",
    );
  });
}

/**
 * A page that begins at one end. There are two branches, with a cursor and without, of which PostgreSQL
 * runs one: a single condition `cursor is null or ...` would keep prepared statements from
 * going into the index at the cursor. The comparison comes first in the text, because PostgreSQL learns
 * the type of a parameter where it reads it first.
 */
function pageOf(
  rows: Sql,
  keys: readonly Key[],
  end: End,
  pageSize: PageSizeSpec,
  hasArg: (name: string) => boolean,
): Sql {
  const order = sql.join(
    keys.map(({ column, direction }) => {
      const isDescending = (direction === 'desc') === (end === 'after');
      return sql`${sql.identifier(column)} ${sql.unsafe(isDescending ? 'desc' : 'asc')}`;
    }),
  );
  const limit = sql`order by ${order} limit ${new EngineParam({ limit: pageSize })}`;
  const other: End = end === 'after' ? 'before' : 'after';
  const bound = hasArg(other) ? boundOf(keys, other) : undefined;
  const inner = bound && sql`(${bound.beyond} or ${bound.isOpen})`;
  if (!hasArg(end)) {
    return sql`select * from (${rows}) as ${ROWS}${inner ? sql` where ${inner}` : NOTHING} ${limit}`;
  }
  const { beyond, isOpen } = boundOf(keys, end);
  const and = inner ? sql` and ${inner}` : NOTHING;
  const branch = (condition: Sql) =>
    sql`(select * from (${rows}) as ${ROWS} where ${condition}${and} ${limit})`;
  return sql`select * from (${branch(beyond)} union all ${branch(isOpen)}) as ${PAGE} order by ${order}`;
}

const NOTHING = sql``;

/** The rows beyond a cursor; and that there is no cursor. */
function boundOf(keys: readonly Key[], arg: End): { beyond: Sql; isOpen: Sql } {
  const cursor = keys.map((_, index) => new EngineParam({ cursor: { arg, index } }));
  const operator = ({ direction }: Key) =>
    sql.unsafe((direction === 'asc') === (arg === 'after') ? '>' : '<');
  const columns = keys.map(({ column }) => sql.identifier(column));
  const [first] = keys as [Key, ...Key[]];
  const isOpen = sql`${cursor[0]} is null`;
  if (keys.every(({ direction }) => direction === first.direction)) {
    const beyond = sql`(${sql.join(columns)}) ${operator(first)} (${sql.join(cursor)})`;
    return { beyond, isOpen };
  }
  const cases = keys.map((key, index) => {
    const same = keys.slice(0, index).map((_, at) => sql`${columns[at]} = ${cursor[at]}`);
    return sql`(${sql.join([...same, sql`${columns[index]} ${operator(key)} ${cursor[index]}`], sql` and `)})`;
  });
  return { beyond: sql`(${sql.join(cases, sql` or `)})`, isOpen };
}
