import {
  type GraphQLInputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isScalarType,
} from 'graphql';
import { PostgresParameterError } from '../../errors.js';
import { packParams } from '../../postgres/params.js';
import { isJsonValue, isSql, type Sql } from '../../postgres/sql.js';
import { hasOwnParser } from './custom-scalars.js';
import { notStatic, schemaError } from './schema-error.js';
import type { ParamSpec } from './spec.js';
import type { StaticCall } from './static-call.js';
import { nameOf, type StaticSymbol, symbolOf } from './symbols.js';

/** A statement of the engine: text and where its values come from. */
export interface StatementText {
  text: string;
  params: ParamSpec[];
}

/**
 * Makes the engine's statement of what a static function returned for symbols.
 *
 * @throws {PuffError} `PUFF_GRAPHQL_NOT_STATIC` when it returns another one for values,
 * `PUFF_GRAPHQL_SCHEMA` for values that cannot be
 */
export function sqlStatement(call: StaticCall, sql: Sql): StatementText {
  const { coordinate } = call.symbols;
  const { text, params } = render(coordinate, sql);
  for (const probe of call.probes()) {
    const { result, given, what } = probe;
    const isSame =
      isSql(result) &&
      result.text === text &&
      sql.values.every((value, index) => {
        const symbol = symbolOf(value);
        const other = result.values[index];
        if (symbol !== undefined) return Object.is(other, given(symbol));
        return isSameConstant(params[index] as ParamSpec, other);
      });
    if (!isSame) throw differs(coordinate, what);
  }
  return { text, params };
}

/** A parameter that no value of JavaScript stands for: put into `sql` as a value. */
export class EngineParam {
  readonly spec: ParamSpec;

  constructor(spec: ParamSpec) {
    this.spec = spec;
  }
}

/** The text and the parameters of a piece of SQL with symbols in it. */
export function render(coordinate: string, sql: Sql): StatementText {
  checkText(coordinate, sql);
  return {
    text: sql.text,
    params: sql.values.map((value, index) => paramOf(coordinate, value, index)),
  };
}

/** As {@link render}, but a symbol that a piece brings several times is one parameter. */
export function renderShared(coordinate: string, sql: Sql): StatementText {
  checkText(coordinate, sql);
  const numbers = new Map<unknown, number>();
  const params: ParamSpec[] = [];
  let text = sql.strings[0] ?? '';
  sql.values.forEach((value, index) => {
    let number = typeof value === 'object' ? numbers.get(value) : undefined;
    if (number === undefined) {
      number = params.push(paramOf(coordinate, value, index));
      numbers.set(value, number);
    }
    text += `$${number}${sql.strings[index + 1]}`;
  });
  return { text, params };
}

/** The function's statement depends on the values that it was called with. */
export function differs(coordinate: string, what: string) {
  return notStatic(
    coordinate,
    `it returned another statement when it was called with ${what}`,
    'Conditions belong into the statement: `x is null or ...`, `coalesce(...)`, `case when ...`. Or use `layer` instead of `layer.static`.',
  );
}

function checkText(coordinate: string, sql: Sql): void {
  if (sql.strings.every((text) => typeof text === 'string')) return;
  throw notStatic(coordinate, 'a symbol was given to `sql.unsafe`');
}

function isSameConstant(param: ParamSpec, value: unknown): boolean {
  try {
    return 'packed' in param && param.packed === pack(value);
  } catch {
    return false;
  }
}

function paramOf(coordinate: string, value: unknown, index: number): ParamSpec {
  if (value instanceof EngineParam) return value.spec;
  const symbol = symbolOf(value);
  if (symbol !== undefined) return paramOfSymbol(coordinate, symbol);
  refuseInner(coordinate, value);
  try {
    return { packed: pack(value) };
  } catch (error) {
    if (!(error instanceof PostgresParameterError)) throw error;
    throw schemaError(
      coordinate,
      error.message.replace('parameter $1', `parameter $${index + 1}`).split('\n')[0] as string,
      'Values in a static layer are symbols or constants that PostgreSQL can take.',
    );
  }
}

function pack(value: unknown): string {
  return Buffer.from(packParams([value])).toString('base64');
}

/** Where the value of a symbol comes from. */
export function paramOfSymbol(coordinate: string, symbol: StaticSymbol): ParamSpec {
  switch (symbol.kind) {
    case 'parent':
      return { parent: symbol.column };
    case 'context':
      return { context: [...symbol.path] };
    case 'event':
      return { event: [...symbol.path] };
    default: {
      const enumValues = enumValuesOf(symbol.type);
      checkScalars(coordinate, symbol.type, nameOf(symbol), new Set());
      const path = [...symbol.path];
      return { arg: enumValues === undefined ? { path } : { path, enumValues } };
    }
  }
}

/** Where an enum has other values than its names: values by name. */
function enumValuesOf(type: GraphQLInputType): Record<string, string> | undefined {
  const named = getNamedType(type);
  if (!isEnumType(named)) return undefined;
  const other = named.getValues().filter(({ name, value }) => value !== name);
  if (other.length === 0) return undefined;
  return Object.fromEntries(other.map(({ name, value }) => [name, String(value)]));
}

/** What JavaScript checks or changes cannot go past it. */
function checkScalars(
  coordinate: string,
  type: GraphQLInputType,
  name: string,
  seen: Set<unknown>,
): void {
  const named = getNamedType(type);
  if (seen.has(named)) return;
  seen.add(named);
  if (isScalarType(named) && hasOwnParser(named)) {
    throw schemaError(
      coordinate,
      `\`${name}\` has the scalar ${named.name}, whose \`parseValue\` is JavaScript, which a static layer does not run`,
      'Use `layer`, or leave `parseValue` out and let PostgreSQL check the value.',
    );
  }
  if (!isInputObjectType(named)) return;
  for (const field of Object.values(named.getFields())) {
    const inner = `${name}.${field.name}`;
    checkScalars(coordinate, field.type, inner, seen);
    if (enumValuesOf(field.type) !== undefined) {
      throw schemaError(
        coordinate,
        `\`${name}\` is used as a whole, and the enum of \`${inner}\` has other values in the database`,
        `Use \`${inner}\` by itself, or use \`layer\`.`,
      );
    }
  }
}

function refuseInner(coordinate: string, value: unknown): void {
  const inner = symbolInside(value, new Set());
  if (inner === undefined) return;
  const name = nameOf(inner);
  throw notStatic(
    coordinate,
    `\`${name}\` is inside of another value`,
    isJsonValue(value as object)
      ? `Give it by itself: sql\`to_jsonb(\${${name}}::text)\`; input objects are JSON already.`
      : `Build it in SQL: sql\`array[\${${name}}]\`, sql\`jsonb_build_object('key', \${${name}})\`; or use \`layer\`.`,
  );
}

function symbolInside(value: unknown, seen: Set<unknown>): StaticSymbol | undefined {
  const symbol = symbolOf(value);
  if (symbol !== undefined) return symbol;
  if (typeof value !== 'object' || value === null || seen.has(value)) return undefined;
  seen.add(value);
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    const found = symbolInside(inner, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}
