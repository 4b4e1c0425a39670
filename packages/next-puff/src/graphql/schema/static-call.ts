import { types } from 'node:util';
import { getNamedType, getNullableType, isEnumType, isListType, isScalarType } from 'graphql';
import { PuffError } from '../../errors.js';
import { isSql, Sql } from '../../postgres/sql.js';
import type { UnawaitedQuery } from '../../prisma/sql/to-sql.js';
import { notStatic } from './schema-error.js';
import { type FieldSymbols, nameOf, type StaticSymbol, symbolOf } from './symbols.js';

/** What static functions are given; `parent` only those of connections. */
export interface CallInput {
  args: never;
  parents: never;
  context: never;
  event: never;
}

/** A function that must make the same statement whatever it is given. */
export type StaticFunction = (input: CallInput) => unknown;

/** What a static function returned. */
export type StaticResult = Sql | UnawaitedQuery<unknown>;

/** What the function returned for values; none when it could do nothing with them. */
export interface Probe {
  /** For messages: what the values were. */
  what: string;
  result: unknown;
  /** The value that stood for a symbol. */
  given(symbol: StaticSymbol): unknown;
}

/** What the function returned for symbols, and a way to call it with values. */
export interface StaticCall {
  symbols: FieldSymbols;
  result: StaticResult;
  /** The same function with values instead of symbols, to see whether it returns something else. */
  probes(): Iterable<Probe>;
}

/**
 * Calls a static function with symbols.
 *
 * @throws {PuffError} `PUFF_GRAPHQL_NOT_STATIC`, `PUFF_GRAPHQL_SCHEMA`
 */
export function callStatic(fn: StaticFunction, symbols: FieldSymbols): StaticCall {
  const { coordinate } = symbols;
  let result: unknown;
  try {
    result = fn({
      args: symbols.args(),
      parents: symbols.parents(),
      context: symbols.context(),
      event: symbols.event(),
    });
  } catch (error) {
    if (error instanceof PuffError) throw error;
    throw notStatic(
      coordinate,
      `it threw when it was called with symbols: ${messageOf(error)}`,
      undefined,
      error,
    );
  }
  result = fromPrismaSql(result);
  if (isPromise(result)) result.then(undefined, ignore);
  if (!isStatement(result)) {
    throw notStatic(
      coordinate,
      isPromise(result)
        ? 'it returned a promise'
        : `it returned ${result === null ? 'null' : typeof result}, not a statement`,
      'Return sql`...` or a Prisma query that is not awaited; use `layer` for values and for what has to be awaited.',
    );
  }
  const used = [...symbols.used];
  return { symbols, result, probes: () => probe(fn, used, symbols) };
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return types.isPromise(value) && !isUnawaited(value);
}

/** What became of it does not matter any more. */
function ignore(): void {}

/** Whether a value is a statement that is still to run. */
export function isStatement(value: unknown): value is StaticResult {
  return isSql(value) || isUnawaited(value);
}

/** Whether a value is a query of a Prisma client that was not awaited. */
export function isUnawaited(value: unknown): value is UnawaitedQuery<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as Partial<UnawaitedQuery<unknown>>)[Symbol.toStringTag] === 'PrismaPromise'
  );
}

/** `` Prisma.sql`...` `` has its parts as `sql` has them. */
function fromPrismaSql(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isSql(value)) return value;
  const { strings, values } = value as Partial<Sql>;
  return Array.isArray(strings) && Array.isArray(values) ? new Sql(strings, values) : value;
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}

/**
 * A condition on a symbol (`args.x ? a : b`, `args.x ?? 5`, `args.x === 'y'`) cannot be seen from
 * inside JavaScript. So the function is called again with values: nothing at all, what is false, the
 * values of enums, and the literals in its own text.
 */
function* probe(
  fn: StaticFunction,
  used: readonly StaticSymbol[],
  symbols: FieldSymbols,
): Generator<Probe> {
  for (const { what, valueFor, whole } of samples(fn, used, symbols)) {
    const values = new Map<string, unknown>();
    const given = (symbol: StaticSymbol) => values.get(keyOf(symbol));
    const roots: Record<string, Record<string, unknown>> = {
      arg: {},
      parent: {},
      context: {},
      event: {},
    };
    for (const symbol of used) {
      const path = pathOf(symbol);
      const isObject = keyOf(symbol) !== whole && used.some((other) => isInside(other, symbol));
      place(roots[symbol.kind] as Record<string, unknown>, path, isObject ? {} : valueFor(symbol));
    }
    for (const symbol of used) {
      values.set(keyOf(symbol), at(roots[symbol.kind], pathOf(symbol)));
    }
    const { arg: args, parent: parents, context, event } = roots;
    const input = { args, parents, context, event };
    let result: unknown;
    try {
      result = fromPrismaSql(fn(input as never));
    } catch (error) {
      // It went on with the value as it may with a value: that says nothing.
      if (error instanceof TypeError || error instanceof PuffError) continue;
      throw notStatic(
        symbols.coordinate,
        `it threw when it was called with ${what}: ${messageOf(error)}`,
        undefined,
        error,
      );
    }
    yield { what, result, given };
  }
}

interface Sample {
  what: string;
  /** The symbol that is replaced as a whole, even where others are inside of it. */
  whole?: string;
  valueFor(symbol: StaticSymbol): unknown;
}

function* samples(
  fn: StaticFunction,
  used: readonly StaticSymbol[],
  symbols: FieldSymbols,
): Generator<Sample> {
  // Parents always have a list of values, whatever it is.
  const variable = used.filter(({ kind }) => kind !== 'parent');
  if (variable.length === 0) return;
  const every = (what: string, value: unknown): Sample => ({
    what: `${what} for its values`,
    valueFor: (symbol) => (symbol.kind === 'parent' ? symbols.renewed(symbol) : value),
  });
  for (const one of new Map(variable.map((symbol) => [keyOf(symbol), symbol])).values()) {
    yield {
      what: `undefined for \`${nameOf(one)}\``,
      whole: keyOf(one),
      valueFor: (symbol) => (keyOf(symbol) === keyOf(one) ? undefined : symbols.renewed(symbol)),
    };
  }
  yield every('null', null);
  yield { what: 'values that are false', valueFor: emptyOf };
  yield every('true', true);
  for (const value of new Set(variable.flatMap(enumValuesOf))) {
    yield every(JSON.stringify(value), value);
  }
  for (const value of literalsOf(fn)) yield every(JSON.stringify(value), value);
}

function emptyOf(symbol: StaticSymbol): unknown {
  if (symbol.kind === 'parent') return [];
  if (symbol.kind === 'context' || symbol.kind === 'event') return '';
  const type = getNullableType(symbol.type);
  if (isListType(type)) return [];
  if (isScalarType(type) && (type.name === 'Int' || type.name === 'Float')) return 0;
  return isScalarType(type) && type.name === 'Boolean' ? false : '';
}

function enumValuesOf(symbol: StaticSymbol): unknown[] {
  if (symbol.kind !== 'arg') return [];
  const type = getNamedType(symbol.type);
  return isEnumType(type) ? type.getValues().flatMap(({ name, value }) => [name, value]) : [];
}

const MAX_LITERALS = 32;

/** Texts and numbers that a function's own text mentions. */
export function literalsOf(fn: StaticFunction): (string | number)[] {
  const text = Function.prototype.toString.call(fn);
  const found = text.matchAll(/'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|\b(\d+(?:\.\d+)?)\b/g);
  const literals = [...found].map(([, single, double, number]) =>
    number === undefined ? (single ?? double ?? '') : Number(number),
  );
  return [...new Set(literals)].slice(0, MAX_LITERALS);
}

/** Names a symbol: the same text for the same value of a request. */
export function keyOf(symbol: StaticSymbol): string {
  return JSON.stringify([symbol.kind, ...pathOf(symbol)]);
}

function pathOf(symbol: StaticSymbol): readonly string[] {
  return symbol.kind === 'parent' ? [symbol.column] : symbol.path;
}

function isInside(inner: StaticSymbol, outer: StaticSymbol): boolean {
  if (inner.kind === 'parent' || outer.kind === 'parent' || inner.kind !== outer.kind) return false;
  return (
    inner.path.length > outer.path.length && outer.path.every((name, i) => inner.path[i] === name)
  );
}

function place(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let object = root;
  for (const name of path.slice(0, -1)) {
    const inner = object[name];
    // An outer object that was left out has nothing inside.
    if (name in object && (typeof inner !== 'object' || inner === null)) return;
    object[name] ??= {};
    object = object[name] as Record<string, unknown>;
  }
  const last = path.at(-1) as string;
  if (!(last in object)) object[last] = value;
}

function at(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const name of path) {
    // What is read of a symbol is a new one each time.
    if (symbolOf(value) !== undefined) return undefined;
    value = (value as Record<string, unknown> | null | undefined)?.[name];
  }
  return value;
}
