import { types } from 'node:util';
import { PostgresParameterError } from '../errors.js';
import { defaults } from './defaults.js';

// The tags of `params.rs` that stand for a value as it goes over the wire.
const NULL = 0;
const TEXT = 4;
const BINARY = 10;

/** The wire protocol counts parameters in 16 bits. */
const MAX_PARAMETERS = 65_535;

interface HasToPostgres {
  toPostgres(prepareValue: (value: unknown) => unknown): unknown;
}

/**
 * Turns a value into what is sent: a text, bytes, or null.
 *
 * Dates become local time with its offset, arrays PostgreSQL's array literals, objects JSON unless
 * they have a `toPostgres` method; everything else its `toString()`.
 *
 * @throws for objects whose `toPostgres` leads back to themselves
 */
export function prepareValue(value: unknown): string | Buffer | null {
  return prepare(value, undefined);
}

function prepare(value: unknown, seen: object[] | undefined): string | Buffer | null {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return null;
  if (typeof value !== 'object') return (value as number).toString();
  if (Buffer.isBuffer(value)) return value;
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
  if (types.isDate(value)) return dateText(value);
  if (Array.isArray(value)) return arrayText(value);
  return prepareObject(value, seen);
}

function prepareObject(value: object, seen: object[] = []): string | Buffer | null {
  const { toPostgres } = value as Partial<HasToPostgres>;
  // For a value that JSON has no word for this is undefined, which is sent as NULL.
  if (typeof toPostgres !== 'function') return JSON.stringify(value) ?? null;
  if (seen.includes(value)) {
    throw new Error(
      `circular reference detected while preparing "${value}" for query: its toPostgres() leads back to itself`,
    );
  }
  return prepare((value as HasToPostgres).toPostgres(prepareValue), [...seen, value]);
}

function arrayText(items: readonly unknown[]): string {
  return `{${items.map(elementText).join(',')}}`;
}

function elementText(item: unknown): string {
  if (item === null || item === undefined) return 'NULL';
  if (Array.isArray(item)) return arrayText(item);
  const prepared = prepareValue(item);
  if (prepared === null) return 'NULL';
  if (typeof prepared !== 'string') return `\\\\x${prepared.toString('hex')}`;
  return `"${prepared.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0');
}

/** ISO 8601 with an offset, and `BC` for years before the first. */
function dateText(date: Date): string {
  const offset = defaults.parseInputDatesAsUTC ? 0 : -date.getTimezoneOffset();
  // The local time is the UTC time of a moment that is as much later as the offset says.
  const local = new Date(date.getTime() + offset * 60_000);
  const year = local.getUTCFullYear();
  const day = `${digits(local.getUTCMonth() + 1, 2)}-${digits(local.getUTCDate(), 2)}`;
  const hours = `${digits(local.getUTCHours(), 2)}:${digits(local.getUTCMinutes(), 2)}`;
  const seconds = `${digits(local.getUTCSeconds(), 2)}.${digits(local.getUTCMilliseconds(), 3)}`;
  const distance = Math.abs(offset);
  const zone = `${offset < 0 ? '-' : '+'}${digits(Math.floor(distance / 60), 2)}:${digits(distance % 60, 2)}`;
  // There is no year 0: the one before 1 AD is 1 BC.
  const text = `${digits(year < 1 ? 1 - year : year, 4)}-${day}T${hours}:${seconds}${zone}`;
  return year < 1 ? `${text} BC` : text;
}

const INITIAL_SIZE = 16 * 1024;
const KEPT_SIZE = 1024 * 1024;
const NONE = new Uint8Array();

let buffer = Buffer.allocUnsafe(INITIAL_SIZE);

/**
 * Packs values for the native core; the result is only good until the next call.
 *
 * @throws {PostgresParameterError} for too many values
 */
export function packValues(values: readonly unknown[]): Uint8Array {
  if (values.length === 0) return NONE;
  if (values.length > MAX_PARAMETERS) {
    throw new PostgresParameterError(
      `${values.length} values were given, and a statement has at most ${MAX_PARAMETERS} parameters`,
      { operation: 'query', hint: 'Pass whole arrays: `where id = any($1)`.' },
    );
  }
  if (buffer.length > KEPT_SIZE) buffer = Buffer.allocUnsafe(INITIAL_SIZE);
  // All of them first: a toPostgres() is the caller's code and may come back to this function.
  const all = values.map((value) => prepareValue(value));
  let end = 0;
  for (const prepared of all) {
    if (prepared === null) {
      end = reserve(end, 1);
      buffer[end++] = NULL;
    } else if (typeof prepared === 'string') {
      // A UTF-16 code unit takes at most three bytes in UTF-8.
      end = reserve(end, 5 + prepared.length * 3);
      const length = buffer.write(prepared, end + 5, 'utf8');
      end = writeHeader(end, TEXT, length);
    } else {
      end = reserve(end, 5 + prepared.length);
      buffer.set(prepared, end + 5);
      end = writeHeader(end, BINARY, prepared.length);
    }
  }
  return buffer.subarray(0, end);
}

function writeHeader(at: number, tag: number, length: number): number {
  buffer[at] = tag;
  buffer.writeUInt32LE(length, at + 1);
  return at + 5 + length;
}

function reserve(end: number, size: number): number {
  if (end + size > buffer.length) {
    const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, end + size));
    buffer.copy(grown, 0, 0, end);
    buffer = grown;
  }
  return end;
}
