import type { ArgType, SqlQuery } from '@prisma/driver-adapter-utils';

/**
 * The values of a query as parameters of the pool.
 *
 * Prisma says what an argument is only roughly, so most stay as they are: the core writes them in
 * the form of the parameter's type, which PostgreSQL has told it.
 */
export function parametersOf({ args, argTypes }: SqlQuery): unknown[] {
  return args.map((arg, index) => parameterOf(arg, argTypes[index]));
}

/** One value as a parameter. */
export function parameterOf(arg: unknown, type: ArgType | undefined): unknown {
  if (arg === null || type === undefined) return arg;
  if (!Array.isArray(arg)) return scalarOf(arg, type);
  return type.arity === 'list' ? elementsOf(arg, type) : arg;
}

/** Values of a type as one array. */
export function elementsOf(values: readonly unknown[], type: ArgType): unknown {
  if (type.scalarType === 'json') return jsonList(values);
  return values.map((value) => (value === null ? null : scalarOf(value, type)));
}

function scalarOf(value: unknown, { scalarType, dbType }: ArgType): unknown {
  switch (scalarType) {
    case 'datetime':
      return timeOf(value, dbType);
    case 'bytes':
      return typeof value === 'string' ? Buffer.from(value, 'base64') : value;
    default:
      return value;
  }
}

function timeOf(value: unknown, dbType: string | undefined): unknown {
  // Milliseconds come from rows of the same query that are looked up further.
  const date = typeof value === 'string' || typeof value === 'number' ? new Date(value) : value;
  if (!(date instanceof Date) || Number.isNaN(date.getTime())) return value;
  switch (dbType) {
    case 'TIME':
    case 'TIMETZ':
      return date.toISOString().slice(-13, -1);
    default:
      return date;
  }
}

/**
 * An array literal of JSON texts (PostgreSQL manual, "Array Input and Output Syntax"): as an array
 * of strings they would be taken for JSON strings.
 */
function jsonList(texts: readonly unknown[]): string {
  const elements = texts.map((text) =>
    text === null ? 'NULL' : `"${String(text).replace(/["\\]/g, '\\$&')}"`,
  );
  return `{${elements.join(',')}}`;
}
