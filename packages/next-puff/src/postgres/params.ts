import { types } from 'node:util';
import { PostgresParameterError } from '../errors.js';
import { isJsonValue } from './sql.js';

// The tags of `params.rs`.
const NULL = 0;
const FALSE = 1;
const TRUE = 2;
const NUMBER = 3;
const TEXT = 4;
const BYTES = 5;
const DATE = 6;
const BIGINT = 7;
const JSON_VALUE = 8;
const ARRAY = 9;

/** The wire protocol counts parameters in 16 bits. */
const MAX_PARAMETERS = 65_535;

const INITIAL_SIZE = 16 * 1024;
const KEPT_SIZE = 1024 * 1024;
const NONE = new Uint8Array();

let buffer = Buffer.allocUnsafe(INITIAL_SIZE);
let end = 0;

/**
 * Packs parameter values for the native core.
 *
 * The result is only good until the next call: the core copies it.
 *
 * @throws {PostgresParameterError} for values that no parameter can be (`undefined`, functions,
 * symbols) and for too many values
 */
export function packParams(values: readonly unknown[]): Uint8Array {
  if (values.length === 0) return NONE;
  if (values.length > MAX_PARAMETERS) throw tooMany(values.length);
  if (buffer.length > KEPT_SIZE) buffer = Buffer.allocUnsafe(INITIAL_SIZE);
  end = 0;
  for (let index = 0; index < values.length; index++) pack(values[index], index);
  return buffer.subarray(0, end);
}

function reserve(size: number): void {
  if (end + size <= buffer.length) return;
  const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, end + size));
  buffer.copy(grown, 0, 0, end);
  buffer = grown;
}

function packTag(tag: number): void {
  reserve(1);
  buffer[end++] = tag;
}

function packDouble(tag: number, value: number): void {
  reserve(9);
  buffer[end] = tag;
  buffer.writeDoubleLE(value, end + 1);
  end += 9;
}

function packText(tag: number, value: string): void {
  // A UTF-16 code unit takes at most three bytes in UTF-8.
  reserve(5 + value.length * 3);
  const length = buffer.write(value, end + 5, 'utf8');
  buffer[end] = tag;
  buffer.writeUInt32LE(length, end + 1);
  end += 5 + length;
}

function packBytes(value: Uint8Array): void {
  reserve(5 + value.length);
  buffer[end] = BYTES;
  buffer.writeUInt32LE(value.length, end + 1);
  buffer.set(value, end + 5);
  end += 5 + value.length;
}

function pack(value: unknown, index: number): void {
  switch (typeof value) {
    case 'string':
      if (value.includes('\0')) {
        throw unfit(index, 'a string with a zero character, which PostgreSQL cannot store');
      }
      packText(TEXT, value);
      break;
    case 'number':
      packDouble(NUMBER, value);
      break;
    case 'boolean':
      packTag(value ? TRUE : FALSE);
      break;
    case 'bigint':
      packText(BIGINT, value.toString());
      break;
    case 'object':
      packObject(value, index);
      break;
    case 'undefined':
      throw unfit(index, 'undefined; pass null for NULL');
    default:
      throw unfit(index, `a ${typeof value}`);
  }
}

// Not instanceof: values may come from another realm, as they do under Jest.
function packObject(value: object | null, index: number): void {
  if (value === null) packTag(NULL);
  else if (types.isDate(value)) packDouble(DATE, value.getTime());
  else if (types.isUint8Array(value)) packBytes(value);
  else if (Array.isArray(value)) packText(ARRAY, stringify(value.map(element), index));
  else if (isJsonValue(value)) packText(JSON_VALUE, stringify(value.value, index));
  else packText(JSON_VALUE, stringify(value, index));
}

/** What JSON has no word for, inside an array, becomes the text that PostgreSQL reads. */
function element(value: unknown): unknown {
  // As UTF-8 does it: half a surrogate pair is no character.
  if (typeof value === 'string') return value.replace(/\p{Surrogate}/gu, '\ufffd');
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (types.isUint8Array(value)) return `\\x${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(element);
  return value === undefined ? null : value;
}

function stringify(value: unknown, index: number): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw unfit(index, `a value that is not JSON: ${(cause as Error).message}`, cause);
  }
  if (text === undefined) throw unfit(index, `a value that is not JSON: ${typeof value}`);
  return text;
}

function tooMany(count: number): PostgresParameterError {
  return new PostgresParameterError(
    `${count} values were given, and a statement has at most ${MAX_PARAMETERS} parameters`,
    {
      operation: 'query',
      hint: 'Pass whole arrays: `where id = any($1)`, `insert into t select * from unnest($1::int[], $2::text[])`.',
    },
  );
}

function unfit(index: number, what: string, cause?: unknown): PostgresParameterError {
  return new PostgresParameterError(`parameter $${index + 1} is ${what}`, {
    cause,
    operation: 'query',
  });
}
