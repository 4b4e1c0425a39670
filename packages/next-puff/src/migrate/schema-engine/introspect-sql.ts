import { readFile } from 'node:fs/promises';
import type { Session } from './session.js';
import type { DescribedColumn, StatementDescription } from './statement-description.js';

/** A query of TypedSQL, as Prisma gives it to the engine. */
export interface SqlQuery {
  name: string;
  source: string;
}

/** What Prisma makes a typed function of; the names are those of the engine's `introspectSql`. */
interface IntrospectedQuery extends SqlQuery {
  documentation: string | null;
  parameters: (TypedName & { documentation: string | null })[];
  resultColumns: TypedName[];
}

interface TypedName {
  name: string;
  typ: string;
  nullable: boolean;
}

/** The engine's names of PostgreSQL's built-in types, by OID; arrays have `-array` behind them. */
const TYPE_NAMES: Record<number, string> = {
  16: 'bool',
  17: 'bytes',
  18: 'char',
  20: 'bigint',
  21: 'int',
  23: 'int',
  26: 'bigint',
  114: 'json',
  142: 'xml',
  700: 'float',
  701: 'double',
  790: 'decimal',
  1082: 'date',
  1083: 'time',
  1114: 'datetime',
  1184: 'datetime',
  1266: 'time',
  1700: 'decimal',
  2950: 'uuid',
  3802: 'json',
};

/** The types that a comment can give to a parameter. */
const DOCUMENTED_TYPES: Record<string, string> = {
  Int: 'int',
  BigInt: 'bigint',
  Float: 'float',
  Boolean: 'bool',
  String: 'string',
  DateTime: 'datetime',
  Json: 'json',
  Bytes: 'bytes',
  Decimal: 'decimal',
};

/** `@param {Int} $1:minAge? The minimum age`; type, alias, `?` and description may be missing. */
const PARAMETER_COMMENT = /^@param\s+(?:\{(\w+)\}\s+)?\$(\d+)(?::(\w+))?(\?)?\s*(.*)$/;

// A column that is NOT NULL in its table can be NULL in a row that these make.
const NULL_MAKERS = /\b(left|right|full)\s+(outer\s+)?join\b|\b(rollup|cube|grouping\s+sets)\b/i;

/**
 * Finds the types of a query's parameters and columns, without running it.
 *
 * The WebAssembly engine cannot: its `introspectSql` never comes back.
 */
export async function introspectSql(
  session: Session,
  { name, source }: SqlQuery,
  schemaFiles: string[],
): Promise<IntrospectedQuery> {
  const description = await session.describe(source);
  const types = await typeNames(session, description, await enumsOf(schemaFiles));
  const mandatory = NULL_MAKERS.test(source)
    ? new Set<string>()
    : await mandatoryColumns(session, description.columns);
  const comments = [...source.matchAll(/^\s*--\s*(.*?)\s*$/gm)].map(([, text = '']) => text);
  const documented = new Map(
    comments.flatMap((comment) => {
      const [match, type, index, alias, optional, documentation] =
        PARAMETER_COMMENT.exec(comment) ?? [];
      return match ? [[Number(index), { type, alias, optional, documentation }]] : [];
    }),
  );
  const documentation = comments.filter((comment) => !comment.startsWith('@param')).join('\n');
  return {
    name,
    source,
    documentation: documentation || null,
    parameters: description.parameters.map((oid, index) => {
      const comment = documented.get(index + 1);
      const type = comment?.type;
      return {
        name: comment?.alias ?? `_${index}`,
        typ: type === undefined ? nameOf(types, oid) : (DOCUMENTED_TYPES[type] ?? type),
        documentation: comment?.documentation || null,
        nullable: comment?.optional !== undefined,
      };
    }),
    resultColumns: description.columns.map((column) => ({
      name: column.name,
      typ: nameOf(types, column.type),
      nullable: !mandatory.has(keyOf(column)),
    })),
  };
}

function nameOf(types: Map<number, string>, oid: number): string {
  return types.get(oid) ?? 'string';
}

/** The engine's names of all types in a description. */
async function typeNames(
  session: Session,
  { parameters, columns }: StatementDescription,
  enums: (name: string) => boolean,
): Promise<Map<number, string>> {
  const oids = [...new Set([...parameters, ...columns.map(({ type }) => type)])];
  const rows = await session.query(
    `select t.oid, coalesce(nullif(t.typelem, 0), t.oid), t.typname, t.typtype, t.typcategory
     from pg_type t where t.oid = any ($1)`,
    [oids],
  );
  return new Map(
    rows.map(([oid, element, name, kind, category]) => {
      const scalar = TYPE_NAMES[Number(category === 'A' ? element : oid)] ?? 'string';
      if (category === 'A') return [Number(oid), `${scalar}-array`];
      return [Number(oid), kind === 'e' && enums(String(name)) ? String(name) : scalar];
    }),
  );
}

/** Tells which of the database's enums the Prisma schema has: the client knows no others. */
async function enumsOf(schemaFiles: string[]): Promise<(name: string) => boolean> {
  const schema = await Promise.all(schemaFiles.map((file) => readFile(file, 'utf8')));
  const declared = [...schema.join('\n').matchAll(/^\s*enum\s+(\w+)\s*\{([^}]*)\}/gm)].map(
    ([, name, body = '']) => /@@map\((?:name:\s*)?"([^"]*)"\)/.exec(body)?.[1] ?? name,
  );
  return (name) => declared.includes(name);
}

function keyOf({ table, attribute }: DescribedColumn): string {
  return `${table}.${attribute}`;
}

/** The columns that are taken from a table's NOT NULL column. */
async function mandatoryColumns(
  session: Session,
  columns: DescribedColumn[],
): Promise<Set<string>> {
  const rows = await session.query(
    'select attrelid, attnum from pg_attribute where attrelid = any ($1) and attnotnull',
    [columns.map(({ table }) => table)],
  );
  return new Set(rows.map(([table, attribute]) => `${table}.${attribute}`));
}
