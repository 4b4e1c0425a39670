/** A request that somebody sends who means ill, or whose program is broken. */
export interface HostileRequest {
  readonly name: string;
  /** The body, made only when it is sent: some are large. */
  readonly body: () => string | Uint8Array;
  /** Statuses that are right. */
  readonly statuses: readonly number[];
  /** Whether only the limits of operations stand between it and what it asks for. */
  readonly needsLimits?: boolean;
  /** `data` where the request is answered after all; otherwise errors are expected. */
  readonly isAnswered?: boolean;
}

const json = (query: string, variables?: unknown) => JSON.stringify({ query, variables });
const repeat = (count: number, part: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => part(index)).join(' ');
const nested = (depth: number, open: string, close: string, middle = '') =>
  open.repeat(depth) + middle + close.repeat(depth);

/** The request is no GraphQL, or no JSON, or more than is allowed: the answer is about the request. */
export const BAD: readonly number[] = [400, 413, 414, 415, 422];

const refused = (name: string, body: HostileRequest['body']): HostileRequest => ({
  name,
  body,
  statuses: BAD,
});

/** A schema of fragments in which each spreads the next one `width` times. */
function exponential(depth: number, width: number, last: string): string {
  const fragments = Array.from({ length: depth }, (_, index) => {
    const inside =
      index === depth - 1 ? last : repeat(width, (it) => `a${it}: self { ...F${index + 1} }`);
    return `fragment F${index} on Node { ${inside} }`;
  });
  return `{ root { ...F0 } } ${fragments.join('\n')}`;
}

const KB = 1024;

/** All of them. */
export const HOSTILE_REQUESTS: readonly HostileRequest[] = [
  refused('100,000 fields', () => json(`{ ${repeat(100_000, (it) => `f${it}: __typename`)} }`)),
  refused('100,000 times the same field', () => json(`{ ${'__typename '.repeat(80_000)} }`)),
  {
    ...refused('10,000 aliases of a field with SQL', () =>
      json(`{ ${repeat(10_000, (it) => `a${it}: items(first: 1000) { id }`)} }`),
    ),
    needsLimits: true,
  },
  {
    ...refused('200 aliases of a field with SQL', () =>
      json(`{ ${repeat(200, (it) => `a${it}: items(first: 1000) { id }`)} }`),
    ),
    needsLimits: true,
  },
  {
    name: '9,900 fields behind a literal of 900 KB, on one line',
    body: () => json(`{ echo(text: "${'x'.repeat(900 * 1000)}") ${'__typename '.repeat(9_900)} }`),
    statuses: [200],
    isAnswered: true,
  },
  refused('10,000 levels of fields', () =>
    json(`{ root ${nested(10_000, '{ self ', '}', '{ name }')} }`),
  ),
  refused('60 levels of a relation', () =>
    json(`{ items ${nested(60, '{ children ', '}', '{ id }')} }`),
  ),
  refused('100,000 levels of selection sets', () => json(nested(100_000, '{ a ', '}'))),
  refused('a million open braces', () => json('{'.repeat(1_000_000))),
  refused('a million closing braces', () => json('}'.repeat(1_000_000))),
  refused('half a million open brackets as a value', () =>
    json(`{ echo(list: ${'['.repeat(500_000)}`),
  ),
  refused('100,000 nested lists', () => json(`{ echo(list: ${nested(100_000, '[', ']')}) }`)),
  refused('50,000 nested input objects', () =>
    json(`{ echo(nested: ${nested(50_000, '{inner: ', '}', 'null')}) }`),
  ),
  refused('50,000 nested list types', () =>
    json(`query ($v: ${nested(50_000, '[', ']', 'Int')}) { echo(list: $v) }`),
  ),
  refused('50,000 nested inline fragments', () =>
    json(nested(50_000, '{ ... ', '}', '{ __typename }')),
  ),
  refused('a fragment that spreads itself', () =>
    json('{ root { ...F } } fragment F on Node { ...F }'),
  ),
  refused('fragments in a circle', () =>
    json(
      `{ root { ...F0 } } ${repeat(2_000, (it) => `fragment F${it} on Node { self { ...F${(it + 1) % 2_000} } }`)}`,
    ),
  ),
  refused('a chain of 3,000 fragments', () =>
    json(
      `{ root { ...F0 } } ${repeat(3_000, (it) => `fragment F${it} on Node { self { ${it < 2_999 ? `...F${it + 1}` : 'name'} } }`)}`,
    ),
  ),
  refused('fragments that double ten times', () => json(exponential(12, 2, 'name'))),
  refused('fragments that grow by twenty each', () => json(exponential(10, 20, 'name'))),
  refused('the same key with fields that must be compared pairwise', () =>
    json(`{ ${repeat(3_000, (it) => `x: echo(text: "${it}")`)} }`),
  ),
  refused('overlapping fragments that must be compared pairwise', () =>
    json(
      `{ ${repeat(60, (it) => `...O${it}`)} } ${repeat(60, (it) => `fragment O${it} on Query { ${repeat(60, (other) => `root { self { name ...P${(it + other) % 60} } }`)} } fragment P${it} on Node { k${it}: name }`)}`,
    ),
  ),
  refused('a literal of 10 MB', () => json(`{ echo(text: "${'x'.repeat(10_000 * KB)}") }`)),
  {
    ...refused('a literal of 900 KB', () => json(`{ echo(text: "${'x'.repeat(900 * KB)}") }`)),
    statuses: [200],
    isAnswered: true,
  },
  refused('a variable of 10 MB', () =>
    json('query ($t: String) { echo(text: $t) }', { t: 'x'.repeat(10_000 * KB) }),
  ),
  {
    name: 'null as a condition, below what JavaScript is still working on',
    body: () =>
      json('query ($v: Boolean = true) { root { later { later { name @include(if: $v) } } } }', {
        v: null,
      }),
    statuses: [200],
    isAnswered: true,
  },
  refused('1e400 as a literal', () => json('{ echo(number: 1e400) }')),
  refused('-1e400 as a literal', () => json('{ echo(number: -1e400) }')),
  refused('a number of 100,000 digits', () => json(`{ echo(number: ${'9'.repeat(100_000)}) }`)),
  refused('an integer of 100,000 digits', () =>
    json(`{ items(first: ${'9'.repeat(100_000)}) { id } }`),
  ),
  refused(
    '1e400 in the variables',
    () => '{"query":"query($n: Float){ echo(number: $n) }","variables":{"n":1e400}}',
  ),
  refused('a page of two billion', () => json('{ items(first: 2147483647) { id } }')),
  refused('a negative page', () => json('{ items(first: -5) { children { id } } nothing }')),
  refused('a name of 500 KB', () => json(`{ ${'n'.repeat(500 * KB)} }`)),
  refused('an alias of 500 KB on nothing', () => json(`{ ${'n'.repeat(500 * KB)}: nothing }`)),
  refused('10,000 variables', () =>
    json(
      `query (${repeat(10_000, (it) => `$v${it}: Int`)}) { echo(list: [${repeat(10_000, (it) => `$v${it}`)}]) }`,
    ),
  ),
  refused('10,000 variables that nobody uses', () =>
    json(`query (${repeat(10_000, (it) => `$v${it}: Int`)}) { __typename }`),
  ),
  refused(
    'variables nested 100,000 deep',
    () =>
      `{"query":"query($n: Nested){ echo(nested: $n) }","variables":{"n":${nested(100_000, '{"inner":', '}', 'null')}}}`,
  ),
  refused(
    'variables of 100,000 open brackets',
    () => `{"query":"{ __typename }","variables":{"n":${'['.repeat(100_000)}`,
  ),
  refused('5,000 operations without a name for one', () =>
    json(repeat(5_000, (it) => `query Q${it} { __typename }`)),
  ),
  refused('20,000 anonymous operations', () => json('{ __typename } '.repeat(20_000))),
  refused('introspection of types in types in types', () =>
    json(`{ __schema { types ${nested(12, '{ fields { type ', '} }', '{ name }')} } }`),
  ),
  refused('introspection aliased 1,000 times', () =>
    json(`{ ${repeat(1_000, (it) => `s${it}: __schema { types { fields { name } } }`)} }`),
  ),
  refused('900 KB of comments and nothing else', () =>
    json(`#${'comment '.repeat(8)}\n`.repeat(13_000)),
  ),
  refused('900,000 commas', () => json(','.repeat(900_000))),
  refused('a string that does not end', () => json(`{ echo(text: "${'x'.repeat(500 * KB)}`)),
  refused('a block string that does not end', () =>
    json(`{ echo(text: """${'x\n'.repeat(200 * KB)}`),
  ),
  refused('100,000 directives', () => json(`{ __typename ${'@skip(if: false) '.repeat(50_000)} }`)),
  refused('100,000 unknown directives', () => json(`{ __typename ${'@no '.repeat(100_000)} }`)),
  refused('an unknown field 50,000 times', () => json(`{ ${repeat(50_000, (it) => `no${it}`)} }`)),
  refused('100,000 escapes that are wrong', () =>
    json(`{ echo(text: "${'\\u{110000}'.repeat(50_000)}") }`),
  ),
  refused('half a surrogate pair', () => json('{ echo(text: "\\uD83D") }')),
  refused('bytes that are no UTF-8', () =>
    Buffer.concat([
      Buffer.from('{"query":"{ echo(text: \\"'),
      Buffer.from([0xff, 0xfe, 0xc0, 0x80]),
      Buffer.from('\\") }"}'),
    ]),
  ),
  refused('overlong UTF-8', () =>
    Buffer.concat([Buffer.from('{"query":"'), Buffer.from([0xe0, 0x80, 0xaf]), Buffer.from('"}')]),
  ),
  refused('random bytes', () =>
    Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7919) % 256)),
  ),
  refused('zero bytes', () => new Uint8Array(500_000)),
  refused('nothing', () => ''),
  refused('half a JSON text', () => '{"query":"{ __typename }'),
  refused('an array of 10,000 requests', () =>
    JSON.stringify(Array.from({ length: 10_000 }, () => ({ query: '{ __typename }' }))),
  ),
  refused('a query that is a number', () => '{"query":1e999}'),
  refused('a query that is an object', () => '{"query":{"query":"{ __typename }"}}'),
  refused('variables that are an array', () => '{"query":"{ __typename }","variables":[]}'),
  refused(
    '__proto__ among the variables',
    () =>
      '{"query":"query($n: Nested){ echo(nested: $n) }","variables":{"n":{"__proto__":{"value":1}}}}',
  ),
  refused('JSON of 100,000 open objects', () => '{"a":'.repeat(100_000)),
];
