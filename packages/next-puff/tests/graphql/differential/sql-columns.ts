/** A kind of column: its type in PostgreSQL, the types in GraphQL that can show it, and values. */
export interface ColumnKind {
  readonly name: string;
  readonly sql: string;
  readonly graphql: readonly string[];
  /** As text that PostgreSQL reads. */
  readonly values: readonly string[];
  /** What a resolver would return for the text that PostgreSQL prints. */
  readonly read: (text: string, graphqlType: string) => unknown;
}

const TEXTS = [
  '',
  'plain',
  '"quoted" \\ and \'single\'',
  'line\nbreak\r\n\ttab',
  'control \u0001\u0008\u000b\u001f\u007f end',
  'ÄÖÜ ß 日本語 😀 \u2028 \ufeff',
  '{}',
  'null',
  'x'.repeat(5_000),
];

const asIs = (text: string) => text;
const isWhole = (type: string) => type === 'Int' || type === 'Float';

/** `2024-01-02 03:04:05.6+00` as `Date.prototype.toISOString` has it, with all digits that are there. */
function isoTimestamp(text: string): string {
  const parts = /^(\d{4,})-(\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?(?:\+00)?$/.exec(text);
  if (parts === null) return text;
  const [, year = '', day, time, fraction = ''] = parts;
  const digits = fraction.length > 3 ? fraction.padEnd(6, '0') : fraction.padEnd(3, '0');
  const iso = year.length > 4 ? `+${year.padStart(6, '0')}` : year;
  return `${iso}-${day}T${time}.${digits}Z`;
}

/** Items of an array as PostgreSQL prints it; nested ones too. */
export function readArray(text: string, read: (item: string) => unknown): unknown[] {
  let at = 0;
  const list = (): unknown[] => {
    const items: unknown[] = [];
    at++; // the opening brace
    while (text[at] !== '}') {
      if (text[at] === ',') at++;
      if (text[at] === '{') {
        items.push(list());
      } else if (text[at] === '"') {
        let item = '';
        for (at++; text[at] !== '"'; at++) {
          if (text[at] === '\\') at++;
          item += text[at];
        }
        at++;
        items.push(read(item));
      } else {
        const end = /[,}]/.exec(text.slice(at))?.index ?? 0;
        const item = text.slice(at, at + end);
        at += end;
        items.push(item === 'NULL' ? null : read(item));
      }
    }
    at++; // the closing brace
    return items;
  };
  return list();
}

const arrayOf =
  (read: (item: string) => unknown) =>
  (text: string): unknown[] =>
    readArray(text, read);

/** All kinds. */
export const COLUMN_KINDS: readonly ColumnKind[] = [
  {
    name: 'small',
    sql: 'int2',
    graphql: ['Int', 'Float', 'ID'],
    values: ['0', '-32768', '32767'],
    read: Number,
  },
  {
    name: 'whole',
    sql: 'int4',
    graphql: ['Int', 'Float', 'ID', 'String', 'Any'],
    values: ['0', '1', '-1', '2147483647', '-2147483648'],
    read: Number,
  },
  {
    name: 'big',
    sql: 'int8',
    graphql: ['ID', 'String', 'Any', 'Int', 'Float'],
    values: ['0', '-7', '5000000000', '9007199254740991', '42'],
    read: (text, type) => (isWhole(type) ? Number(text) : text),
  },
  {
    name: 'huge',
    sql: 'int8',
    graphql: ['ID', 'String', 'Any'],
    values: ['9223372036854775807', '-9223372036854775808', '9007199254740993'],
    read: asIs,
  },
  {
    name: 'single',
    sql: 'float4',
    graphql: ['Float', 'Any'],
    values: ['0', '0.1', '-1.5', '16777216', '3.4028235e38', '1e-45'],
    read: Number,
  },
  {
    name: 'double',
    sql: 'float8',
    graphql: ['Float', 'String', 'Any'],
    values: [
      '0',
      '0.1',
      '-1.5',
      '1e21',
      '1e-7',
      '1.7976931348623157e308',
      '5e-324',
      '123456789.125',
    ],
    read: Number,
  },
  {
    name: 'odd',
    sql: 'float8',
    graphql: ['Float'],
    values: ['NaN', 'Infinity', '-Infinity', '2'],
    read: Number,
  },
  {
    name: 'exact',
    sql: 'numeric',
    graphql: ['Float', 'String', 'ID', 'Any', 'Int'],
    values: ['0', '12.50', '-0.001', '123456789012345678901234567890.123456789', '7', '1e3'],
    read: asIs,
  },
  { name: 'words', sql: 'text', graphql: ['String', 'ID', 'Any'], values: TEXTS, read: asIs },
  { name: 'short', sql: 'varchar(20)', graphql: ['String'], values: ['', 'abc', 'ÄÖ'], read: asIs },
  {
    name: 'flag',
    sql: 'bool',
    graphql: ['Boolean', 'String', 'Any'],
    values: ['true', 'false'],
    read: (text) => text === 't',
  },
  {
    name: 'moment',
    sql: 'timestamptz',
    graphql: ['Any', 'String'],
    values: [
      '2024-02-29T12:34:56Z',
      '1969-12-31T23:59:59.999Z',
      '2000-01-01T00:00:00.123456+05:30',
      '0001-01-01T00:00:00Z',
      '12024-01-01T00:00:00Z',
    ],
    read: isoTimestamp,
  },
  {
    name: 'clockless',
    sql: 'timestamp',
    graphql: ['Any', 'String'],
    values: ['2024-02-29 12:34:56.7', '1900-01-01 00:00:00'],
    read: isoTimestamp,
  },
  {
    name: 'day',
    sql: 'date',
    graphql: ['Any', 'String'],
    values: ['2024-02-29', '1582-10-15', '9999-12-31'],
    read: asIs,
  },
  {
    name: 'hour',
    sql: 'time',
    graphql: ['String'],
    values: ['00:00:00', '23:59:59.123456'],
    read: asIs,
  },
  {
    name: 'span',
    sql: 'interval',
    graphql: ['String'],
    values: ['1 day 02:03:04', '-1 year'],
    read: asIs,
  },
  {
    name: 'unique',
    sql: 'uuid',
    graphql: ['ID', 'String', 'Any'],
    values: ['00000000-0000-0000-0000-000000000000', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    read: asIs,
  },
  {
    name: 'document',
    sql: 'jsonb',
    graphql: ['Any'],
    values: [
      '{"z": 1, "a": [1, {"b": null}], "ä": "\\u2028 \\ud83d\\ude00"}',
      '[]',
      '"text"',
      'null',
      '1.50',
    ],
    read: (text) => JSON.parse(text),
  },
  {
    name: 'verbatim',
    sql: 'json',
    graphql: ['Any'],
    values: ['{"z":1,  "a":[1,2]}', '[ {"x" : "y"} ]', 'true'],
    read: (text) => JSON.parse(text),
  },
  {
    name: 'bytes',
    sql: 'bytea',
    graphql: ['Any'],
    values: ['\\x', '\\x00ff10', '\\xdeadbeef'],
    read: (text) => Buffer.from(text.slice(2), 'hex').toString('base64'),
  },
  {
    name: 'mood',
    sql: 'mood',
    graphql: ['Mood', 'String'],
    values: ['HAPPY', 'SAD', 'SO_SO'],
    read: asIs,
  },
  {
    name: 'numbers',
    sql: 'int4[]',
    graphql: ['[Int]', '[Int!]', '[Float]'],
    values: ['{}', '{1,2,3}', '{1,NULL,3}', '{-2147483648}'],
    read: arrayOf(Number),
  },
  {
    name: 'phrases',
    sql: 'text[]',
    graphql: ['[String]', '[String!]', '[ID]'],
    values: ['{}', '{a,"b, c","d\\"e\\\\f","",NULL}', '{"{}","NULL","ÄÖ 😀"}'],
    read: arrayOf(asIs),
  },
  {
    name: 'moods',
    sql: 'mood[]',
    graphql: ['[Mood!]', '[Mood]'],
    values: ['{}', '{HAPPY,SAD}', '{SO_SO,NULL}'],
    read: arrayOf(asIs),
  },
  {
    name: 'moments',
    sql: 'timestamptz[]',
    graphql: ['[Any]'],
    values: ['{}', '{2024-02-29T12:34:56Z,NULL}'],
    read: arrayOf(isoTimestamp),
  },
  {
    name: 'flags',
    sql: 'bool[]',
    graphql: ['[Boolean]'],
    values: ['{t,f,NULL}', '{}'],
    read: arrayOf((text) => text === 't'),
  },
  {
    name: 'matrix',
    sql: 'int4[]',
    graphql: ['[[Int]]'],
    values: ['{{1,2},{3,NULL}}', '{}'],
    read: arrayOf(Number),
  },
];
