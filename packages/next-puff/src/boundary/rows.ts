import { InternalError } from '../errors.js';

/**
 * Decoders of packed rows.
 *
 * `packed.rs` describes the format. A decoder is compiled once per shape of a result, so that every
 * row is one object literal: the engine then knows its hidden class and no name is looked up twice.
 */

/**
 * A column as the native core describes it: name, kind and whether it is an array, then what
 * PostgreSQL says of it; `type` and `table` are OIDs.
 */
export type ColumnDescription = [
  name: string,
  kind: number,
  isArray: boolean,
  type: number,
  table: number,
  attribute: number,
  typeSize: number,
  typeModifier: number,
];

/**
 * What rows become: objects, arrays, or arrays of *plain* cells, which are such as JSON has them:
 * times in milliseconds since 1970, 64-bit integers and JSON as their text, bytes as a `Buffer`.
 */
export type RowMode = 'object' | 'array' | 'plain';

/** Decodes `count` rows at `at` in `words`, with `text` as their text, and appends them to `rows`. */
export type Decoder = (
  rows: unknown[],
  words: Int32Array,
  at: number,
  count: number,
  text: string,
) => void;

/** Makes the decoder of rows with these columns; the same array of columns comes for the same shape. */
export type DecoderFactory = (columns: readonly ColumnDescription[]) => Decoder;

/** Makes a value of the text of a cell that is not NULL. */
export type TextParser = (text: string) => unknown;

/** The kinds of `types.rs`. */
export const Kind = {
  Int: 1,
  Bool: 2,
  Float: 3,
  Text: 4,
  Date: 5,
  Json: 6,
  Bytes: 7,
  BigInt: 8,
  Int8Number: 9,
} as const;

const doubles = new Float64Array(1);
const halves = new Int32Array(doubles.buffer);

/** What the compiled code calls. */
const library = {
  doubles,
  halves,
  date(milliseconds: number): Date | number {
    return Number.isFinite(milliseconds) ? new Date(milliseconds) : milliseconds;
  },
  bigint(low: number, high: number): bigint {
    return (BigInt(high) << 32n) | BigInt(low >>> 0);
  },
  bytes(hex: string): Buffer {
    return Buffer.from(hex, 'hex');
  },
  elements(json: string, kind: number): unknown {
    return convertElements(JSON.parse(json), kind);
  },
  plainElements(json: string, kind: number): unknown {
    return plainElements(JSON.parse(json), kind);
  },
  plainInteger,
};

/** Doubles stand for one integer each only up to here; `int8: 'number'` asks for them all the same. */
function plainInteger(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new InternalError(
    `The 64-bit integer ${value} has lost its last digits: the pool has int8: 'number'.`,
    { hint: "Give this pool `int8: 'string'` in puff.config.ts." },
  );
}

function plainElements(elements: unknown, kind: number): unknown {
  if (kind === Kind.Json) return (elements as unknown[]).map(jsonText);
  if (Array.isArray(elements)) return elements.map((element) => plainElements(element, kind));
  if (elements === null) return null;
  switch (kind) {
    case Kind.Date:
      return Number(elements);
    case Kind.BigInt:
      return String(elements);
    case Kind.Int8Number:
      return plainInteger(Number(elements));
    default:
      return convertElements(elements, kind);
  }
}

function jsonText(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

function convertElements(elements: unknown, kind: number): unknown {
  if (kind === Kind.Int || kind === Kind.Bool || kind === Kind.Text || kind === Kind.Json) {
    return elements;
  }
  if (Array.isArray(elements)) return elements.map((element) => convertElements(element, kind));
  if (elements === null) return null;
  switch (kind) {
    case Kind.Date:
      return library.date(Number(elements));
    case Kind.Bytes:
      return library.bytes(String(elements));
    case Kind.BigInt:
      return BigInt(String(elements));
    default:
      return Number(elements);
  }
}

/** An expression that reads one cell, and how many words the cell takes. */
function cell(
  [, kind, isArray]: ColumnDescription,
  offset: number,
  mode: RowMode,
): [code: string, words: number] {
  const isPlain = mode === 'plain';
  const word = `w[p + ${offset}]`;
  const next = `w[p + ${offset + 1}]`;
  const text = `text.slice(q, q = ${word})`;
  const double = `(l.halves[0] = ${word}, l.halves[1] = ${next}, l.doubles[0])`;
  if (isArray) return [`l.${isPlain ? 'plainElements' : 'elements'}(${text}, ${kind})`, 1];
  switch (kind) {
    case Kind.Int:
      return [word, 1];
    case Kind.Bool:
      return [`${word} === 1`, 1];
    case Kind.Float:
      return [double, 2];
    case Kind.Int8Number:
      return [isPlain ? `l.plainInteger(${double})` : double, 2];
    case Kind.Date:
      return [isPlain ? double : `l.date(${double})`, 2];
    case Kind.BigInt: {
      const value = `l.bigint(${word}, ${next})`;
      return [isPlain ? `${value}.toString()` : value, 2];
    }
    case Kind.Json:
      return [isPlain ? text : `JSON.parse(${text})`, 1];
    case Kind.Bytes:
      return [`l.bytes(${text})`, 1];
    default:
      return [text, 1];
  }
}

/**
 * Compiles the decoder of a shape.
 *
 * @param parsers by column, what makes the value of a cell of text; nothing keeps the text
 */
export function compileDecoder(
  columns: readonly ColumnDescription[],
  mode: RowMode,
  parsers: readonly (TextParser | undefined)[] = [],
): Decoder {
  const masks = Math.ceil(columns.length / 32);
  let offset = masks;
  const members = columns.map((column, index) => {
    const [code, words] = cell(column, offset, mode);
    offset += words;
    const isNull = `w[p + ${index >> 5}] & ${1 << (index & 31)}`;
    const value = `${isNull} ? null : ${parsers[index] ? `t[${index}](${code})` : code}`;
    if (mode !== 'object') return value;
    const name = JSON.stringify(column[0]);
    // As a plain key it would set the object's prototype.
    return `${column[0] === '__proto__' ? `[${name}]` : name}: ${value}`;
  });
  const row = mode === 'object' ? `{ ${members.join(', ')} }` : `[${members.join(', ')}]`;
  const body = `
    return (rows, w, p, count, text) => {
      let q = 0;
      for (let i = 0; i < count; i++, p += ${offset}) rows.push(${row});
    };`;
  return new Function('l', 't', body)(library, parsers) as Decoder;
}
