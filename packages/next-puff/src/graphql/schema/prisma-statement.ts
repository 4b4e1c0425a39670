import {
  type GraphQLField,
  getNamedType,
  getNullableType,
  isEnumType,
  isListType,
  isObjectType,
} from 'graphql';
import { packParams } from '../../postgres/params.js';
import type { ProtocolQuery, RuntimeDataModel } from '../../prisma/client-internals.js';
import { Placeholder } from '../../prisma/sql/param.js';
import type { ValueSource } from '../../prisma/sql/query-shape.js';
import type { ColumnMapping, FieldMapping } from '../../prisma/sql/row-mapping.js';
import type { CapturedStatement } from '../../prisma/sql/statement.js';
import { captureStatement, type UnawaitedQuery } from '../../prisma/sql/to-sql.js';
import { placePlaceholders } from './prisma-placeholders.js';
import { notStatic, schemaError } from './schema-error.js';
import type { ColumnSpec, ParamSpec } from './spec.js';
import { differs, paramOfSymbol, type StatementText } from './sql-statement.js';
import { isUnawaited, type StaticCall } from './static-call.js';
import { nameOf, type StaticSymbol, writingPlaceholders } from './symbols.js';

/** A Prisma query as a statement of the engine. */
export interface PrismaStatementText extends StatementText {
  /** The columns by field of Prisma's result; what is in `_count` and the like by `_count.field`. */
  mapping: ReadonlyMap<string, ColumnMapping>;
}

/**
 * Makes the engine's statement of the Prisma query that a static function returned for symbols. The
 * query's client must be prepared.
 *
 * @throws {PuffError} `PUFF_GRAPHQL_NOT_STATIC`, `PUFF_GRAPHQL_SCHEMA`, and what `toSql` throws
 */
export function prismaStatement(
  call: StaticCall,
  query: UnawaitedQuery<unknown>,
): PrismaStatementText {
  const { coordinate } = call.symbols;
  const placeholders = new Placeholders(coordinate);
  const statement = placeholders.capture(query);
  const { shape } = statement;
  if (shape.mapping.result === 'count') {
    throw schemaError(
      coordinate,
      'the query returns no rows, only how many it changed',
      'Use `createManyAndReturn`, `updateManyAndReturn`, or `layer` with awaited values.',
    );
  }
  for (const { source } of shape.parameters) refuseGenerated(coordinate, source);
  const params = statement.params.map((value) => paramOf(coordinate, value, placeholders));
  for (const probe of call.probes()) checkProbe(coordinate, statement.sql, probe);
  return { text: statement.sql, params, mapping: flattened(coordinate, shape.mapping.fields) };
}

/** The placeholders in a query, and the symbols that they are for. */
class Placeholders {
  readonly #coordinate: string;
  readonly #symbols = new Map<string, StaticSymbol>();
  readonly #enums = new Map<string, string>();
  #dataModel: RuntimeDataModel | undefined;

  constructor(coordinate: string) {
    this.#coordinate = coordinate;
  }

  capture(query: UnawaitedQuery<unknown>): CapturedStatement<unknown> {
    return writingPlaceholders(
      (symbol) => this.#write(symbol),
      () => captureStatement(query, (protocol, model) => this.#place(protocol, model)),
    );
  }

  #write(symbol: StaticSymbol): unknown {
    const name = `s${this.#symbols.size}`;
    this.#symbols.set(name, symbol);
    // The type is filled in by the place where the placeholder turns up.
    return { $type: 'Param', value: { name, type: '' } };
  }

  #place(protocol: ProtocolQuery, dataModel: RuntimeDataModel): void {
    this.#dataModel = dataModel;
    placePlaceholders(protocol, dataModel, (name, place) => {
      const symbol = this.#symbols.get(name);
      if (symbol === undefined) return undefined;
      if (place === undefined) {
        throw notStatic(
          this.#coordinate,
          `\`${nameOf(symbol)}\` decides about the query's shape (take, skip, order, selection)`,
        );
      }
      if (place.type === 'Bytes' && symbol.kind !== 'parent') {
        throw notStatic(
          this.#coordinate,
          `\`${nameOf(symbol)}\` stands for bytes, which JSON lacks`,
        );
      }
      if (place.enumName !== undefined) this.#enums.set(name, place.enumName);
      return isList(symbol);
    });
  }

  /** Where the value of a placeholder comes from. */
  paramOf(name: string): ParamSpec {
    const symbol = this.#symbols.get(name) as StaticSymbol;
    const param = paramOfSymbol(this.#coordinate, symbol);
    const values = this.#dataModel?.enums[this.#enums.get(name) ?? '']?.values;
    if (values === undefined || !('arg' in param) || symbol.kind !== 'arg') return param;
    const stored = new Map(values.map((value) => [value.name, value.dbName ?? value.name]));
    const type = getNamedType(symbol.type);
    const names = isEnumType(type)
      ? type.getValues().map(({ name, value }): [string, string] => [name, String(value)])
      : [...stored.keys()].map((name): [string, string] => [name, name]);
    const enumValues = Object.fromEntries(
      names
        .map(([name, inner]): [string, string] => [name, stored.get(inner) ?? inner])
        .filter(([name, value]) => name !== value),
    );
    const { path } = param.arg;
    return { arg: Object.keys(enumValues).length === 0 ? { path } : { path, enumValues } };
  }
}

function isList(symbol: StaticSymbol): boolean {
  if (symbol.kind === 'parent') return true;
  return symbol.kind === 'arg' && isListType(getNullableType(symbol.type));
}

function paramOf(coordinate: string, value: unknown, placeholders: Placeholders): ParamSpec {
  if (value instanceof Placeholder) return placeholders.paramOf(value.name);
  if (Array.isArray(value) && value.some((element) => element instanceof Placeholder)) {
    throw notStatic(
      coordinate,
      'a symbol is one of several values in a list',
      'Give a list argument as the whole list, as in `{ in: args.ids }`, or use OR.',
    );
  }
  return { packed: Buffer.from(packParams([value])).toString('base64') };
}

function refuseGenerated(coordinate: string, source: ValueSource): void {
  if (source.kind === 'list') {
    for (const element of source.elements) refuseGenerated(coordinate, element);
  }
  if (source.kind !== 'generator') return;
  throw notStatic(
    coordinate,
    'the query has a default that Prisma makes anew each time (now(), uuid())',
    'Let the database make it (`@default(dbgenerated(...))`), give the value as an argument, or use `layer`.',
  );
}

function checkProbe(
  coordinate: string,
  text: string,
  { result, what }: { result: unknown; what: string },
): void {
  if (!isUnawaited(result)) throw differs(coordinate, what);
  let other: string;
  try {
    other = captureStatement(result).sql;
  } catch {
    // Prisma does not take these values here: that says nothing.
    return;
  }
  if (other !== text) throw differs(coordinate, what);
}

function flattened(
  coordinate: string,
  fields: readonly FieldMapping[],
  prefix = '',
  into = new Map<string, ColumnMapping>(),
): ReadonlyMap<string, ColumnMapping> {
  for (const field of fields) {
    const name = `${prefix}${field.name}`;
    if (field.kind === 'column') into.set(name, field);
    else if (field.column === null) flattened(coordinate, field.fields, `${name}.`, into);
    else {
      throw schemaError(
        coordinate,
        `the query includes the relation \`${name}\``,
        'Leave it out, and give the field of the relation a layer of its own.',
      );
    }
  }
  return into;
}

/** Where the columns of a Prisma query are called otherwise than the fields of its rows' type. */
export function columnSpecs(
  field: GraphQLField<unknown, unknown>,
  mapping: ReadonlyMap<string, ColumnMapping>,
): { [field: string]: ColumnSpec } {
  const type = getNamedType(field.type);
  const fields = isObjectType(type) ? type.getFields() : {};
  const columns: { [field: string]: ColumnSpec } = {};
  for (const [name, { column, enumNames }] of mapping) {
    const graphqlType = fields[name] && getNamedType(fields[name].type);
    const named = new Map(
      isEnumType(graphqlType)
        ? graphqlType.getValues().map(({ name, value }) => [String(value), name])
        : [],
    );
    const names = Object.fromEntries(
      Object.entries(enumNames ?? {})
        .map(([value, inner]): [string, string] => [value, named.get(inner) ?? inner])
        .filter(([value, shown]) => value !== shown),
    );
    if (Object.keys(names).length > 0) columns[name] = { column, enumNames: names };
    else if (column !== name) columns[name] = { column };
  }
  return columns;
}
