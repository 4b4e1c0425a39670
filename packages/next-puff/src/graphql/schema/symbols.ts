import {
  type GraphQLArgument,
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isListType,
} from 'graphql';
import { listed, near, notStatic, schemaError } from './schema-error.js';

/** What a symbol stands for. */
export type StaticSymbol =
  | { kind: 'arg'; path: readonly string[]; type: GraphQLInputType }
  | { kind: 'parent'; column: string }
  | { kind: 'context'; path: readonly string[] }
  | { kind: 'event'; path: readonly string[] };

/** `args.filter.name`, as the function wrote it. */
export function nameOf(symbol: StaticSymbol): string {
  switch (symbol.kind) {
    case 'arg':
      return ['args', ...symbol.path].join('.');
    case 'parent':
      return `parents.${symbol.column}`;
    default:
      return [symbol.kind, ...symbol.path].join('.');
  }
}

/** What a value stands for, if it is a symbol. */
export function symbolOf(value: unknown): StaticSymbol | undefined {
  return typeof value === 'object' && value !== null ? symbols.get(value) : undefined;
}

const symbols = new WeakMap<object, StaticSymbol>();

/** Writes a symbol into a Prisma query. */
export type PlaceholderWriter = (symbol: StaticSymbol) => unknown;

let writer: PlaceholderWriter | undefined;

/** Lets Prisma write the symbols in a query while a function runs. */
export function writingPlaceholders<T>(write: PlaceholderWriter, fn: () => T): T {
  const outer = writer;
  writer = write;
  try {
    return fn();
  } finally {
    writer = outer;
  }
}

/** The symbols of one field. */
export class FieldSymbols {
  readonly coordinate: string;
  /** The symbols that were used; those below another one come after it. */
  readonly used: StaticSymbol[] = [];
  readonly #args: readonly GraphQLArgument[];
  readonly #isRoot: boolean;
  readonly #hasEvent: boolean;

  constructor(
    coordinate: string,
    args: readonly GraphQLArgument[],
    isRoot: boolean,
    hasEvent = false,
  ) {
    this.coordinate = coordinate;
    this.#args = args;
    this.#isRoot = isRoot;
    this.#hasEvent = hasEvent;
  }

  /** `args`. */
  args(): never {
    return this.#namespace('args', (name) => {
      const arg = this.#args.find((candidate) => candidate.name === name);
      if (arg !== undefined) return this.#symbol({ kind: 'arg', path: [name], type: arg.type });
      const names = this.#args.map((candidate) => candidate.name);
      throw schemaError(
        this.coordinate,
        `the field has no argument \`${name}\``,
        names.length === 0
          ? 'It has no arguments at all.'
          : `Its arguments are ${listed(names)}.${near(name, names)}`,
      );
    });
  }

  /** `parents`. */
  parents(): never {
    return this.#namespace('parents', (column) => {
      if (!this.#isRoot) return this.#symbol({ kind: 'parent', column });
      throw schemaError(
        this.coordinate,
        `\`parents.${column}\` was used, and fields of an operation have no parents`,
        'Use `args` or `context`.',
      );
    });
  }

  /** `context`. */
  context(): never {
    return this.#namespace('context', (name) => this.#symbol({ kind: 'context', path: [name] }));
  }

  /** `event`. */
  event(): never {
    return this.#namespace('event', (name) => {
      if (this.#hasEvent) return this.#symbol({ kind: 'event', path: [name] });
      throw schemaError(
        this.coordinate,
        `\`event.${name}\` was used, and only subscriptions have events`,
        'Use `args` or `context`.',
      );
    });
  }

  /** Another symbol for the same. */
  renewed(symbol: StaticSymbol): never {
    return this.#symbol(symbol);
  }

  #namespace(name: string, member: (name: string) => unknown): never {
    return new Proxy(this.#target(name), {
      ...this.#refusals(() => name),
      get: (_, key) => {
        if (typeof key === 'symbol' || (writer !== undefined && key === 'toJSON')) {
          return this.#wellKnown(name, key);
        }
        // Symbols are looked at by whoever waits for them or makes JSON of them.
        if (key === 'then' || key === 'toJSON') return undefined;
        return member(key);
      },
    }) as never;
  }

  /** What inspecting a symbol shows. */
  #target(name: string): object {
    return { symbol: name };
  }

  #symbol(symbol: StaticSymbol): never {
    const proxy = new Proxy(this.#target(nameOf(symbol)), {
      ...this.#refusals(() => nameOf(symbol)),
      get: (_, key) => {
        if (writer !== undefined) {
          const write = writer;
          return key === 'toJSON' ? () => write(symbol) : undefined;
        }
        if (typeof key === 'symbol') return this.#wellKnown(nameOf(symbol), key);
        return this.#member(symbol, key);
      },
    }) as never;
    symbols.set(proxy, symbol);
    this.used.push(symbol);
    return proxy;
  }

  #member(symbol: StaticSymbol, key: string): never {
    const name = nameOf(symbol);
    if (symbol.kind === 'arg') {
      const type = getNullableType(symbol.type);
      if (isInputObjectType(type)) {
        const field = type.getFields()[key];
        if (field !== undefined) {
          return this.#symbol({ kind: 'arg', path: [...symbol.path, key], type: field.type });
        }
      }
      if (isInputObjectType(type) && key !== 'then' && key !== 'toJSON') {
        const names = Object.keys(type.getFields());
        throw schemaError(
          this.coordinate,
          `\`${name}\` has no field \`${key}\``,
          `The fields of ${type.name} are ${listed(names)}.${near(key, names)}`,
        );
      }
      if (isListType(type) && isInputObjectType(getNamedType(type))) {
        throw notStatic(
          this.coordinate,
          `\`${name}.${key}\` was read, but \`${name}\` is a list`,
          `Take it apart in SQL, as in \`jsonb_to_recordset(\${${name}})\`, or use \`layer\`.`,
        );
      }
    }
    if (key === 'then') throw notStatic(this.coordinate, `\`${name}\` was awaited`);
    if (key === 'toJSON') throw notStatic(this.coordinate, `\`${name}\` was turned into JSON`);
    const { kind } = symbol;
    if ((kind === 'context' || kind === 'event') && !(key in Object.prototype)) {
      return this.#symbol({ kind, path: [...symbol.path, key] });
    }
    throw notStatic(
      this.coordinate,
      `\`${name}.${key}\` was read, but \`${name}\` has no value yet`,
    );
  }

  #wellKnown(name: string, key: string | symbol): unknown {
    switch (key) {
      case Symbol.toPrimitive:
        return (hint: 'string' | 'number' | 'default') => {
          throw notStatic(this.coordinate, `\`${name}\` ${CONVERSIONS[hint]}`, INSTEAD[hint]);
        };
      case Symbol.iterator:
      case Symbol.asyncIterator:
        throw notStatic(
          this.coordinate,
          `\`${name}\` was spread or looped over`,
          `Give the list as one value, as in \`= any(\${${name}})\`, or use \`layer\`.`,
        );
      default:
        return undefined;
    }
  }

  #refusals(name: () => string): ProxyHandler<object> {
    const refuse = (what: string) => () => {
      throw notStatic(this.coordinate, `\`${name()}\` ${what}`);
    };
    return {
      // `sql` and the packing of values look for their marks with symbols.
      has: (_, key) => (typeof key === 'symbol' ? false : refuse('was looked into with `in`')()),
      ownKeys: () => (writer === undefined ? refuse('was spread or enumerated')() : []),
      set: refuse('was assigned to'),
      defineProperty: refuse('was assigned to'),
      deleteProperty: refuse('was assigned to'),
    };
  }
}

const CONVERSIONS = {
  string: 'was put into a text',
  number: 'was calculated with or compared',
  default: 'was added to something, put into a text or compared',
};

const CALCULATE = `Calculate in SQL: sql\`... limit \${args.limit} + 1\`; or use \`layer\`.`;

const INSTEAD = {
  string: `Put it into \`sql\` as a value of its own: sql\`... like \${args.name} || '%'\`; or use \`layer\`.`,
  number: CALCULATE,
  default: CALCULATE,
};
