import { setImmediate as nextTurn } from 'node:timers/promises';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLError, type GraphQLSchema } from 'graphql';

const typeDefs = /* GraphQL */ `
  directive @note(text: String) repeatable on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT | QUERY

  "What all animals have."
  interface Animal implements Named {
    name: String!
    friends: [Animal]
  }
  interface Named {
    name: String!
  }
  type Dog implements Animal & Named {
    name: String!
    friends: [Animal]
    barks: Boolean
    command: Command
    knows(command: Command! = SIT): Boolean
  }
  type Cat implements Animal & Named {
    name: String!
    friends: [Animal]
    meows: Boolean
    lives: Int
  }
  type Stone implements Named {
    name: String!
  }
  union Pet = Dog | Cat
  enum Command {
    SIT
    STAY
    COME @deprecated(reason: "never works")
  }

  input Range {
    from: Int = 0
    to: Int! = 10
    inner: Range
  }
  input Choice @oneOf {
    id: ID
    name: String
    range: Range
  }
  input Everything {
    int: Int
    float: Float
    string: String
    boolean: Boolean
    id: ID
    command: Command
    list: [Int!]
    matrix: [[Int]]
    range: Range
  }

  "Fields that fail in one way each."
  type Failing {
    value: String
    nullable: String
    strict: String!
    late: String
    strictLate: String!
    missing: String!
    wrongInt: Int
    wrongStrictInt: Int!
    wrongEnum: Command
    noList: [Int]
    returned: String
    coded: String
    items: [Int]
    strictItems: [Int!]
    allStrictItems: [Int!]!
    matrix: [[Int!]]
    lateItems: [String]
    objects: [Failing]
    strictObjects: [Failing!]
    nobody: Failing!
    child: Failing
    strictChild: Failing!
    stranger: Animal
  }

  type Query {
    hello(name: String = "world"): String!
    number: Int
    echo(
      int: Int
      float: Float
      string: String
      boolean: Boolean
      id: ID
      command: Command
      list: [Int]
      strictList: [Int!]
      matrix: [[Int]]
      range: Range
      choice: Choice
      everything: Everything
    ): String
    defaults(int: Int = 5, nullable: Int = null, list: [Int!]! = [1, 2], range: Range = { from: 1, to: 2 }): String
    required(int: Int!, withDefault: Int! = 7): String
    animals: [Animal!]!
    named: [Named]
    pets: [Pet]
    dog: Dog
    dogs(first: Int = 2): [Dog!]!
    failing: Failing
    strictFailing: Failing!
    int: Int
    float: Float
    boolean: Boolean
    id: ID
    ids: [ID]
    text: String
    matrix: [[Int]]
    counter: Int!
  }

  type Counter {
    value: Int!
    later: Int!
  }
  type Mutation {
    "Waits first, then adds."
    slowAdd(n: Int!): Counter
    add(n: Int!): Counter!
    fail(message: String): Int
    strictFail: Int!
  }
`;

/** What mutations of one execution change. */
export interface CaseContext {
  counter: number;
}

interface Animal {
  kind: 'Dog' | 'Cat' | 'Stone';
  name: string;
  [field: string]: unknown;
}

const rex: Animal = { kind: 'Dog', name: 'Rex', barks: true, command: 'SIT' };
const tom: Animal = { kind: 'Cat', name: 'Tom', meows: false, lives: 9 };
const fido: Animal = { kind: 'Dog', name: 'Fido', barks: false, command: null };
const pebble: Animal = { kind: 'Stone', name: 'Pebble' };
rex.friends = [tom, null, fido];
tom.friends = [rex];
fido.friends = null;

function failing(depth: number): object | null {
  if (depth === 0) return null;
  return {
    value: 'fine',
    nullable() {
      throw new Error('nullable failed');
    },
    strict() {
      throw new Error('strict failed');
    },
    async late() {
      await nextTurn();
      throw new Error('late failed');
    },
    async strictLate() {
      await nextTurn();
      throw new Error('strictLate failed');
    },
    missing: null,
    wrongInt: 'abc',
    wrongStrictInt: 2 ** 31,
    wrongEnum: 'JUMP',
    noList: 5,
    returned: new Error('returned failed'),
    coded() {
      throw new GraphQLError('coded failed', {
        extensions: { code: 'TEAPOT', status: { http: 418 } },
      });
    },
    items: [1, 'x', 3],
    strictItems: [1, null, 3],
    allStrictItems: [1, 'x', 3],
    matrix: [[1, 2], [3, null], null, [4]],
    lateItems: () => [
      Promise.resolve('a'),
      nextTurn().then(() => {
        throw new Error('an item failed');
      }),
      'c',
    ],
    objects: () => [failing(depth - 1), null, failing(depth - 1)],
    strictObjects: () => [failing(depth - 1), failing(depth - 1)],
    nobody: null,
    child: () => failing(depth - 1),
    strictChild: () => failing(depth - 1),
    stranger: { kind: 'Nowhere', name: 'Who' },
  };
}

const kindOf = (animal: Animal) => animal.kind;
const counted = (context: CaseContext) => ({
  value: context.counter,
  later: () => context.counter,
});

const resolvers = {
  Animal: { __resolveType: kindOf },
  Named: { __resolveType: async (animal: Animal) => kindOf(animal) },
  Pet: { __resolveType: kindOf },
  Dog: {
    knows: (dog: Animal, { command }: { command: string }) => dog.command === command,
  },
  Query: {
    hello: (_: unknown, { name }: { name: string | null }) => `Hello, ${name}!`,
    number: () => nextTurn().then(() => 42),
    echo: (_: unknown, args: object) => JSON.stringify(args),
    defaults: (_: unknown, args: object) => JSON.stringify(args),
    required: (_: unknown, args: object) => JSON.stringify(args),
    animals: () => [rex, tom],
    named: async () => [rex, pebble, null],
    pets: () => [tom, Promise.resolve(rex)],
    dog: () => rex,
    dogs: (_: unknown, { first }: { first: number }) => [rex, fido].slice(0, first),
    failing: () => failing(4),
    strictFailing: () => failing(4),
    int: () => '2147483647',
    float: () => 1.5e300,
    boolean: () => 1,
    id: () => 7,
    ids: () => new Set(['a', 1, '']),
    text: () => 'quote " backslash \\ newline \n separator \u2028 emoji 😀 zero \u0000',
    matrix: () => [[1, 2], [], null, [null]],
    counter: (_: unknown, _args: object, context: CaseContext) => context.counter,
  },
  Mutation: {
    async slowAdd(_: unknown, { n }: { n: number }, context: CaseContext) {
      await nextTurn();
      await nextTurn();
      context.counter += n;
      return counted(context);
    },
    add(_: unknown, { n }: { n: number }, context: CaseContext) {
      context.counter += n;
      return counted(context);
    },
    fail(_: unknown, { message }: { message?: string }) {
      throw new Error(message ?? 'fail failed');
    },
    strictFail() {
      throw new Error('strictFail failed');
    },
  },
};

/** The schema that all cases are about. */
export function caseSchema(): GraphQLSchema {
  return makeExecutableSchema({ typeDefs, resolvers });
}
