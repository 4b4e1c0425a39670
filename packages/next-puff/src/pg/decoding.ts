import pgTypes from 'pg-types';
import {
  type ColumnDescription,
  compileDecoder,
  type Decoder,
  type DecoderFactory,
  Kind,
  type RowMode,
  type TextParser,
} from '../boundary/rows.js';
import { TypeOverrides, type TypeSource } from './type-overrides.js';

/** Every column as the text that PostgreSQL prints; see `Profile` in `types.rs`. */
export const TEXT = 1;
/** Typed columns where that gives what node-postgres' own parsers give; see `Profile` in `types.rs`. */
const NODE_POSTGRES = 2;

const globalTypes = pgTypes as unknown as TypeSource;

/** The types that {@link NODE_POSTGRES} sends typed although node-postgres has a parser for them. */
const TYPED_OIDS = [16, 17, 21, 23, 26, 114, 700, 701, 1184, 3802];

/** What pg-types gives for types without a parser: it returns the text. */
const keepText = globalTypes.getTypeParser(0, 'text');
const int8Parser = globalTypes.getTypeParser(20, 'text');
const originalParsers = TYPED_OIDS.map((oid) => globalTypes.getTypeParser(oid, 'text'));

/** Whether nobody has replaced a global parser that the typed columns stand in for. */
function areOriginal(): boolean {
  for (let index = 0; index < TYPED_OIDS.length; index++) {
    const parser = globalTypes.getTypeParser(TYPED_OIDS[index] as number, 'text');
    if (parser !== originalParsers[index]) return false;
  }
  return true;
}

/** A compiled decoder and the array it takes its parsers from. */
interface Compiled {
  parsers: (TextParser | undefined)[];
  decoders: Map<string, Decoder>;
}

const compiled = new WeakMap<readonly ColumnDescription[], Compiled>();

/**
 * The decoder of rows with these columns and these parsers.
 *
 * A decoder is compiled per shape and per set of columns that have a parser; the parsers themselves
 * may be other functions every time, as query builders make them.
 */
function decoderFor(
  columns: readonly ColumnDescription[],
  mode: RowMode,
  types: TypeSource,
): Decoder {
  let shape = compiled.get(columns);
  if (shape === undefined) {
    shape = { parsers: new Array(columns.length), decoders: new Map() };
    compiled.set(columns, shape);
  }
  const { parsers } = shape;
  let key: string = mode;
  for (let index = 0; index < columns.length; index++) {
    const column = columns[index] as ColumnDescription;
    parsers[index] = undefined;
    if (column[1] !== Kind.Text) continue;
    const parser = types.getTypeParser(column[3], 'text');
    if (parser === keepText || parser === int8Parser) continue;
    parsers[index] = parser as TextParser;
    key += `,${index}`;
  }
  let decoder = shape.decoders.get(key);
  if (decoder === undefined) {
    decoder = compileDecoder(columns, mode, parsers);
    shape.decoders.set(key, decoder);
  }
  return decoder;
}

/** How the columns of a statement come and become values. */
export interface Decoding {
  /** The profile to ask the core for. */
  profile: number;
  /** By what rows become. */
  object: DecoderFactory;
  array: DecoderFactory;
}

function decodingWith(types: TypeSource, profile: number): Decoding {
  return {
    profile,
    object: (columns) => decoderFor(columns, 'object', types),
    array: (columns) => decoderFor(columns, 'array', types),
  };
}

const typed = decodingWith(globalTypes, NODE_POSTGRES);
const text = decodingWith(globalTypes, TEXT);

/** Chooses the decoding for a query's own parsers, or else a client's. */
export function decodingFor(types: TypeSource): Decoding {
  if (types instanceof TypeOverrides && !types.isCustom) return areOriginal() ? typed : text;
  return decodingWith(types, TEXT);
}
