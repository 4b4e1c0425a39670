import pgTypes from 'pg-types';

/** Makes a value of the text, or of the bytes, that PostgreSQL sent. */
export type TypeParser = (value: never) => unknown;

/** Anything that knows a parser for a type: `pg.types`, a client, the `types` of a query. */
export interface TypeSource {
  getTypeParser(oid: number, format?: 'text' | 'binary'): TypeParser;
}

/** Type parsers of one client, in front of those of another source. */
export class TypeOverrides implements TypeSource {
  readonly #outer: TypeSource;
  readonly #own = {
    text: new Map<number, TypeParser>(),
    binary: new Map<number, TypeParser>(),
  };

  constructor(outer: TypeSource = pgTypes as unknown as TypeSource) {
    this.#outer = outer;
  }

  /** Whether a parser was set here, or the outer parsers are not the global ones. */
  get isCustom(): boolean {
    return this.#own.text.size > 0 || this.#outer !== (pgTypes as unknown as TypeSource);
  }

  setTypeParser(oid: number, parser: TypeParser): void;
  setTypeParser(oid: number, format: 'text' | 'binary', parser: TypeParser): void;
  setTypeParser(oid: number, format: 'text' | 'binary' | TypeParser, parser?: TypeParser): void {
    if (typeof format === 'function') this.#own.text.set(oid, format);
    else if (parser !== undefined) this.#own[format].set(oid, parser);
  }

  getTypeParser(oid: number, format: 'text' | 'binary' = 'text'): TypeParser {
    return this.#own[format].get(oid) ?? this.#outer.getTypeParser(oid, format);
  }
}
