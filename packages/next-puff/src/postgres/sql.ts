const BRAND = Symbol.for('next-puff.sql');
const JSON_BRAND = Symbol.for('next-puff.sql.json');

/**
 * A piece of SQL with its parameter values apart from its text, so that no value can change what the
 * text means.
 *
 * It is inert: it runs when it is given to `postgres.query` and the like, and it may be put into
 * another `sql` template.
 */
export class Sql {
  /** The text around the values; always one more than there are values. */
  readonly strings: readonly string[];
  readonly values: readonly unknown[];
  readonly [BRAND] = true;
  #text: string | undefined;

  constructor(strings: readonly string[], values: readonly unknown[]) {
    this.strings = strings;
    this.values = values;
  }

  /** The text with `$1`, `$2`, ... where the values go. */
  get text(): string {
    this.#text ??= numbered(this.strings);
    return this.#text;
  }
}

/** A value that is to be sent as JSON, whatever it is. */
export class JsonValue {
  readonly value: unknown;
  readonly [JSON_BRAND] = true;

  constructor(value: unknown) {
    this.value = value;
  }
}

const texts = new WeakMap<readonly string[], string>();

/** A template's strings are the same array at every call, so each text is put together once. */
function numbered(strings: readonly string[]): string {
  let text = texts.get(strings);
  if (text === undefined) {
    text = strings[0] ?? '';
    for (let index = 1; index < strings.length; index++) text += `$${index}${strings[index]}`;
    texts.set(strings, text);
  }
  return text;
}

/** Whether a value is a piece of SQL, also one of another copy of this module. */
export function isSql(value: unknown): value is Sql {
  return typeof value === 'object' && value !== null && BRAND in value;
}

/** Whether a value was given as JSON, also by another copy of this module. */
export function isJsonValue(value: object): value is JsonValue {
  return JSON_BRAND in value;
}

function template(strings: TemplateStringsArray, ...values: unknown[]): Sql {
  return values.some(isSql) ? flatten(strings, values) : new Sql(strings, values);
}

/** Merges nested pieces into one. */
function flatten(strings: readonly string[], values: readonly unknown[]): Sql {
  const flatStrings = [strings[0] ?? ''];
  const flatValues: unknown[] = [];
  const append = (text: string) => {
    flatStrings[flatStrings.length - 1] += text;
  };
  values.forEach((value, index) => {
    if (isSql(value)) {
      append(value.strings[0] ?? '');
      value.values.forEach((inner, at) => {
        flatValues.push(inner);
        flatStrings.push(value.strings[at + 1] ?? '');
      });
    } else {
      flatValues.push(value);
      flatStrings.push('');
    }
    append(strings[index + 1] ?? '');
  });
  return new Sql(flatStrings, flatValues);
}

/** Makes pieces of SQL; see the members for what a template cannot say. */
export interface SqlTag {
  /** `` sql`select * from t where id = ${id}` ``: values become parameters, pieces are put in. */
  (strings: TemplateStringsArray, ...values: unknown[]): Sql;
  /** A quoted name, or a qualified one: `sql.identifier('public', 'users')`. */
  identifier(...names: string[]): Sql;
  /** Pieces with a separator between them; a comma by default. Values become parameters. */
  join(parts: readonly unknown[], separator?: Sql): Sql;
  /** A parameter that is sent as JSON, also when the value is a string, a number or an array. */
  json(value: unknown): JsonValue;
  /** Text that is taken as SQL as it stands. Never build it from input. */
  unsafe(text: string): Sql;
}

/** Makes pieces of SQL from template strings. */
export const sql: SqlTag = Object.assign(template, {
  identifier(...names: string[]): Sql {
    return new Sql([names.map((name) => `"${name.replaceAll('"', '""')}"`).join('.')], []);
  },
  join(parts: readonly unknown[], separator: Sql = new Sql([', '], [])): Sql {
    const values: unknown[] = [];
    parts.forEach((part, index) => {
      if (index > 0) values.push(separator);
      values.push(part);
    });
    return flatten(new Array<string>(values.length + 1).fill(''), values);
  },
  json(value: unknown): JsonValue {
    return new JsonValue(value);
  },
  unsafe(text: string): Sql {
    return new Sql([text], []);
  },
});
