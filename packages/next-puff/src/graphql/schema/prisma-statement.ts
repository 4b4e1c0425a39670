import {
  type GraphQLField,
  getNamedType,
  getNullableType,
  isEnumType,
  isListType,
  isObjectType,
} from 'graphql';
import { PuffError } from '../../errors.js';
import { packParams } from '../../postgres/params.js';
import type { ProtocolQuery } from '../../prisma/client-internals.js';
import { Placeholder } from '../../prisma/sql/param.js';
import type { ValueSource } from '../../prisma/sql/query-shape.js';
import type { ColumnMapping, FieldMapping } from '../../prisma/sql/row-mapping.js';
import type { ShapeCompiler } from '../../prisma/sql/shape-compiler.js';
import type { CapturedStatement } from '../../prisma/sql/statement.js';
import { captureStatement, type UnawaitedQuery } from '../../prisma/sql/to-sql.js';
import { nameOfPlaceholder, placePlaceholders } from './prisma-placeholders.js';
import { notStatic, schemaError } from './schema-error.js';
import type { ColumnSpec, ParamSpec } from './spec.js';
import { differs, paramOfSymbol, type StatementText } from './sql-statement.js';
import { isUnawaited, keyOf, type Probe, type StaticCall } from './static-call.js';
import { nameOf, type StaticSymbol, symbolOf, writingPlaceholders } from './symbols.js';

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
  const statement = capture(coordinate, placeholders, query);
  const { shape } = statement;
  if (shape.mapping.result === 'count') {
    throw schemaError(
      coordinate,
      'the query returns no rows, only how many it changed',
      'Use `createManyAndReturn`, `updateManyAndReturn`, or `layer` with awaited values.',
    );
  }
  for (const { source } of shape.parameters) refuseGenerated(coordinate, source);
  const params = statement.params.map((value) => paramOf(value, placeholders));
  for (const probe of call.probes()) checkProbe(coordinate, placeholders, probe);
  return { text: statement.sql, params, mapping: flattened(coordinate, shape.mapping.fields) };
}

function capture(
  coordinate: string,
  placeholders: Placeholders,
  query: UnawaitedQuery<unknown>,
): CapturedStatement<unknown> {
  try {
    return placeholders.capture(query);
  } catch (error) {
    if (!(error instanceof PuffError) || !error.code.startsWith('PUFF_PRISMA_')) throw error;
    const [what] = error.message.split('\n') as [string];
    throw new PuffError(error.code, `${coordinate}: ${what}`, {
      operation: 'defineSchema',
      hint:
        error.code === 'PUFF_PRISMA_NOT_PREPARED'
          ? 'Give defineSchema the client: `prisma`.'
          : error.hint,
      cause: error,
    });
  }
}

const ENOUGH = Symbol('enough');

/** The placeholders in a query, and the symbols that they are for. */
class Placeholders {
  readonly #coordinate: string;
  readonly #symbols = new Map<string, StaticSymbol>();
  /** By placeholder, Prisma's names of an enum by those of the database. */
  readonly #enumNames = new Map<string, Readonly<Record<string, string>>>();
  /** The query as Prisma writes it for its engine, with the placeholders in it. */
  protocol = '';

  constructor(coordinate: string) {
    this.#coordinate = coordinate;
  }

  capture(query: UnawaitedQuery<unknown>): CapturedStatement<unknown> {
    return writingPlaceholders(
      (symbol) => this.#write(symbol),
      () =>
        captureStatement(query, (protocol, compiler) => {
          this.protocol = JSON.stringify(protocol);
          this.#place(protocol, compiler);
        }),
    );
  }

  /** Only writes down the query; it is empty when Prisma does not take the values. */
  read(query: UnawaitedQuery<unknown>): void {
    try {
      writingPlaceholders(
        (symbol) => this.#write(symbol),
        () =>
          captureStatement(query, (protocol) => {
            this.protocol = JSON.stringify(protocol);
            // Compiling it would take much longer.
            throw ENOUGH;
          }),
      );
    } catch {
      // ENOUGH, or what Prisma says of the values.
    }
  }

  #write(symbol: StaticSymbol): unknown {
    const name = `s${this.#symbols.size}`;
    this.#symbols.set(name, symbol);
    // The type is filled in by the place where the placeholder turns up.
    return { $type: 'Param', value: { name, type: '' } };
  }

  #place(protocol: ProtocolQuery, compiler: ShapeCompiler): void {
    placePlaceholders(protocol, compiler.dataModel, (name, place) => {
      const symbol = this.#symbols.get(name);
      if (symbol === undefined) return undefined;
      if (place === undefined) {
        throw notStatic(
          this.#coordinate,
          `\`${nameOf(symbol)}\` decides about the query's shape (take, skip, order, selection)`,
        );
      }
      const { model, field, isElement } = place;
      if (isElement) {
        throw notStatic(
          this.#coordinate,
          `\`${nameOf(symbol)}\` is one of several values in a list`,
          'Give a list argument as the whole list, as in `{ in: args.ids }`, or use OR.',
        );
      }
      if (field.type === 'Bytes' && symbol.kind !== 'parent') {
        throw notStatic(
          this.#coordinate,
          `\`${nameOf(symbol)}\` stands for bytes, which JSON lacks`,
        );
      }
      if (field.kind === 'enum') this.#enumNames.set(name, compiler.enumNames(model, field.name));
      return isList(symbol);
    });
  }

  /** The query with values instead of symbols; `undefined` leaves out what it is for. */
  filledIn(given: Probe['given']): string {
    return JSON.stringify(JSON.parse(this.protocol), (_, value: unknown) => {
      const name = nameOfPlaceholder(value);
      const symbol = name === undefined ? undefined : this.#symbols.get(name);
      if (symbol === undefined) return value;
      const replaced = given(symbol);
      return symbolOf(replaced) === undefined ? replaced : keyOf(symbol);
    });
  }

  /** The query with what its symbols stand for. */
  named(): string {
    return this.filledIn(keyOf);
  }

  /** Where the value of a placeholder comes from. */
  paramOf(name: string): ParamSpec {
    const symbol = this.#symbols.get(name) as StaticSymbol;
    const param = paramOfSymbol(this.#coordinate, symbol);
    const enumNames = this.#enumNames.get(name);
    if (enumNames === undefined || !('arg' in param) || symbol.kind !== 'arg') return param;
    const stored = new Map(Object.entries(enumNames).map(([value, inner]) => [inner, value]));
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

function paramOf(value: unknown, placeholders: Placeholders): ParamSpec {
  if (value instanceof Placeholder) return placeholders.paramOf(value.name);
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
  placeholders: Placeholders,
  { result, what, given }: Probe,
): void {
  if (!isUnawaited(result)) throw differs(coordinate, what);
  const others = new Placeholders(coordinate);
  others.read(result);
  if (others.protocol === '' || others.named() === placeholders.filledIn(given)) return;
  throw differs(coordinate, what);
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
    if (name.includes('.')) continue;
    const names = shownNames(enumNames, fields[name]);
    if (names !== undefined) columns[name] = { column, enumNames: names };
    else if (column !== name) columns[name] = { column };
  }
  return columns;
}

/** The same for a field that is an enum itself, and whose value is in a column. */
export function leafColumns(
  field: GraphQLField<unknown, unknown>,
  mapping: ReadonlyMap<string, ColumnMapping>,
  value: string,
): { columns?: { [field: string]: ColumnSpec } } {
  const found = [...mapping.values()].find(({ column }) => column === value);
  const enumNames = shownNames(found?.enumNames, field);
  return enumNames === undefined ? {} : { columns: { [field.name]: { column: value, enumNames } } };
}

/** GraphQL's names of an enum by those of the database, where any differ. */
function shownNames(
  enumNames: Readonly<Record<string, string>> | undefined,
  field: GraphQLField<unknown, unknown> | undefined,
): { [value: string]: string } | undefined {
  const type = field && getNamedType(field.type);
  const named = new Map(
    isEnumType(type) ? type.getValues().map(({ name, value }) => [String(value), name]) : [],
  );
  const names = Object.entries(enumNames ?? {})
    .map(([value, inner]): [string, string] => [value, named.get(inner) ?? inner])
    .filter(([value, shown]) => value !== shown);
  return names.length === 0 ? undefined : Object.fromEntries(names);
}
