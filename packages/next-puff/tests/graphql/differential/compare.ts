import type { ResponseTypes } from './response-types.ts';

/** A response as it is in JSON. */
export interface WireResponse {
  data?: Record<string, unknown> | null;
  errors?: WireError[];
  extensions?: unknown;
}

export interface WireError {
  message: string;
  locations?: { line: number; column: number }[];
  path?: (string | number)[];
  extensions?: unknown;
}

/** What a client gets of a result. */
export function onTheWire(result: object): WireResponse {
  return JSON.parse(JSON.stringify(result)) as WireResponse;
}

const NULL_CONDITION = 'Argument "if" of non-null type "Boolean!" must not be null.';

/**
 * Every error that executing the operation may report: what the twin without non-null types
 * reported, and a complaint for each place where it has `null` and the schema says non-null.
 */
export class PossibleErrors {
  readonly #errors = new Map<string, WireError>();
  readonly #twin: WireResponse;
  readonly #types: ResponseTypes;

  constructor(twin: WireResponse, types: ResponseTypes) {
    this.#twin = twin;
    this.#types = types;
    for (const error of twin.errors ?? []) this.#errors.set(pathKey(error.path), error);
  }

  /** Whether the specification allows the error. */
  allows(error: WireError): boolean {
    const path = error.path ?? [];
    // A condition that is null may be found before the field above it is resolved, or after.
    if (error.message === NULL_CONDITION) return true;
    const known = this.#errors.get(pathKey(path));
    if (known !== undefined) return errorKey(known) === errorKey(error);
    const declared = this.#types.at(path);
    return (
      declared?.isNonNull === true &&
      valueAt(this.#twin.data, path) === null &&
      error.message.startsWith('Cannot return null for non-nullable field ') &&
      error.message.endsWith(`.${declared.field}.`)
    );
  }

  /** Whether an error at the path makes the place above it null. */
  reaches(path: readonly (string | number)[], nulled: readonly (string | number)[]): boolean {
    for (let length = path.length; length > nulled.length; length--) {
      if (!this.#types.at(path.slice(0, length))?.isNonNull) return false;
    }
    return true;
  }
}

/**
 * What is wrong with a response, given the reference's; empty when nothing is.
 *
 * Both must fail as requests (no `data`) or neither. `data` must be the same, order of keys
 * included. Every error belongs to the place in `data` that it made null, the nearest null above its
 * path. The same places must be explained by errors; in each the response may report any of the
 * possible errors (specification, 6.4.4 "Handling Execution Errors": siblings of what failed may be
 * cancelled), each path once, and at least one of them must have reached that place through non-null
 * types. Where a place failed itself, there is nothing to choose from, and the error must be that of
 * the reference: same path, message, locations and extensions.
 */
export function differences(
  reference: WireResponse,
  response: WireResponse,
  possible: PossibleErrors | undefined,
  query: string,
): string[] {
  const isRefused = !('data' in reference);
  if (reference.errors?.some((it) => it.path === undefined) && !isRefused) {
    // An error without a field ends all in graphql-js; the engine may refuse the request, or find the
    // field that it is about.
    const known = new Set(reference.errors.map((it) => it.message));
    const isTold = response.errors?.some((it) => known.has(it.message));
    return isTold || !('data' in response) ? [] : ['executed what graphql-js gives up'];
  }
  if (isRefused && isLateRefusal(reference)) return [];
  if (isRefused !== !('data' in response)) {
    const [it] = (isRefused ? reference : response).errors ?? [];
    return [
      isRefused
        ? `executed what graphql-js refuses: ${it?.message}`
        : `refused what graphql-js executes: ${it?.message}`,
    ];
  }
  if (isRefused) {
    return response.errors?.length ? [] : ['refused without an error'];
  }
  const found: string[] = [];
  const expected = JSON.stringify(normal(reference.data, query));
  const actual = JSON.stringify(normal(response.data, query));
  if (expected !== actual) {
    found.push(`data differs at ${firstDifference(expected, actual)}`);
    return found;
  }
  const theirs = byPlace(reference);
  const ours = byPlace(response);
  for (const error of ours.stray) found.push(`error without a null: ${JSON.stringify(error)}`);
  for (const [place, errors] of theirs.places) {
    if (!ours.places.has(place)) found.push(`no error for ${place}: ${JSON.stringify(errors)}`);
  }
  for (const [place, errors] of ours.places) {
    const path = JSON.parse(place) as (string | number)[];
    const known = theirs.places.get(place);
    if (known === undefined) {
      found.push(`more errors: ${JSON.stringify(errors)}`);
      continue;
    }
    const keys = new Set(known.map(errorKey));
    for (const error of errors) {
      if (!keys.has(errorKey(error)) && !possible?.allows(error)) {
        found.push(`error ${JSON.stringify(error)} instead of ${JSON.stringify(known)}`);
      }
    }
    const paths = errors.map((it) => pathKey(it.path));
    if (new Set(paths).size < paths.length) found.push(`a path twice: ${paths.join(' ')}`);
    if (possible && !errors.some((it) => possible.reaches(it.path ?? [], path))) {
      found.push(`none of the errors makes ${place} null: ${JSON.stringify(errors)}`);
    }
  }
  if (response.errors?.length === 0) found.push('an empty list of errors');
  return found;
}

/**
 * Whether graphql-js refuses the request only because a parser of a scalar, a function of JavaScript,
 * refuses a value. The engine asks JavaScript when execution has begun, and about what it comes to: it
 * executes the rest, with an error at the fields that the value is for.
 */
function isLateRefusal(reference: WireResponse): boolean {
  const isScalar = /(?:^Variable .* )?Expected (?:type|value of type) ".*(?:not even|not a text)/;
  return (reference.errors ?? []).every((it) => isScalar.test(it.message));
}

function pathKey(path: readonly (string | number)[] | undefined): string {
  return JSON.stringify(path ?? []);
}

/**
 * What has to be equal in two errors. Where an argument cannot be coerced, the engine names the field,
 * graphql-js the argument's value; the specification has no opinion (7.1.2 "Errors").
 */
function errorKey(error: WireError): string {
  if (error.message.startsWith('Argument "')) return JSON.stringify([error.path, error.message]);
  return JSON.stringify([error.path, error.message, error.locations, error.extensions ?? {}]);
}

function byPlace(response: WireResponse): { places: Map<string, WireError[]>; stray: WireError[] } {
  const places = new Map<string, WireError[]>();
  const stray: WireError[] = [];
  for (const error of response.errors ?? []) {
    const place = nulledPlace(response.data, error.path);
    if (place === undefined) {
      stray.push(error);
      continue;
    }
    const key = pathKey(place);
    places.set(key, [...(places.get(key) ?? []), error]);
  }
  return { places, stray };
}

/** The shortest part of the path at which `data` is null. */
function nulledPlace(
  data: unknown,
  path: readonly (string | number)[] | undefined,
): readonly (string | number)[] | undefined {
  if (path === undefined || path.length === 0) return undefined;
  let value = data;
  for (let length = 0; length <= path.length; length++) {
    if (value === null) return path.slice(0, length);
    if (typeof value !== 'object' || value === undefined) return undefined;
    value = (value as Record<string | number, unknown>)[path[length] as string | number];
  }
  return undefined;
}

function valueAt(data: unknown, path: readonly (string | number)[]): unknown {
  let value = data;
  for (const step of path) value = (value as Record<string | number, unknown> | null)?.[step];
  return value;
}

/** `data`, with the lists of introspection sorted: the specification gives them no order. */
function normal(data: unknown, query: string): unknown {
  if (typeof data !== 'object' || data === null) return data;
  const fields = query.matchAll(/(?:(\w+)\s*:\s*)?(__schema|__type)\b/g);
  const keys = new Set([...fields].map(([, alias, name]) => alias ?? name));
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, keys.has(key) ? sorted(value) : value]),
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .map(sorted)
      .map((it) => [JSON.stringify(it), it] as const)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([, it]) => it);
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, sorted(it)]));
}

function firstDifference(expected: string, actual: string): string {
  let at = 0;
  while (expected[at] === actual[at]) at++;
  const from = Math.max(0, at - 60);
  return `…${expected.slice(from, at + 60)}…\n  but is …${actual.slice(from, at + 60)}…`;
}
