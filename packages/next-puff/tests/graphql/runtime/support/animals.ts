import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLError, type GraphQLResolveInfo, GraphQLScalarType } from 'graphql';

const typeDefs = /* GraphQL */ `
  "A moment."
  scalar Date
  scalar Nothing
  scalar Any
  enum Role {
    ADMIN
    USER
  }
  interface Animal {
    name: String!
  }
  type Dog implements Animal {
    name: String!
    barks: Boolean
    friends: [Animal!]
  }
  type Cat implements Animal {
    name: String!
    meows: Boolean
  }
  type Fish implements Animal {
    name: String!
  }
  union Pet = Dog | Cat
  input Filter {
    role: Role = ADMIN
    since: Date
    numbers: [Int!]
  }
  input Choice @oneOf {
    id: ID
    name: String
  }
  type Item {
    id: ID!
    n: Int
    self: Item
    late: Item
    matrix: [[Int]]
    pairs: [[Item!]]
    strict: String!
    place: String
    role: Role
    since: Date
    method(times: Int = 4): String
  }
  type Query {
    items(n: Int = 3): [Item!]!
    one: Item
    nested: [[Item]]
    animals: [Animal]
    pets: [Pet!]
    holes: [Int!]
    innerHoles: [[Int!]!]
    fraction: Int
    notIterable: [Int]
    echo(filter: Filter, role: Role): String
    chosen(choice: Choice!): String
    nothing: Nothing
    any: Any
    thrown: String
    public: String
    promises: [Int]
    notAnError: [String!]!
    lateNull: Item!
    rejected: [Item!]
    undefined: Int
    fromContext: String
    set: [Int]
    wrongType: Pet
    noType: Animal
    texts: [String]
    notAnInterface: String
  }
  type Mutation {
    add(n: Int!): Int
    fail: Int!
  }
  type Subscription {
    ticks: Int
  }
`;

class Counter {
  readonly kind = 'Item';
  readonly #n: number;

  constructor(n: number) {
    this.#n = n;
  }

  get id(): number {
    return this.#n;
  }

  get n(): number {
    return this.#n;
  }

  method({ times }: { times: number }, context: { name?: string }, info: GraphQLResolveInfo) {
    return `${this.#n * times} ${context.name} ${info.fieldName}`;
  }
}

function place({ path, fieldName, parentType, fieldNodes, variableValues }: GraphQLResolveInfo) {
  const steps: string[] = [];
  for (let step: typeof path | undefined = path; step !== undefined; step = step.prev) {
    steps.unshift(`${step.key}:${step.typename}`);
  }
  const variables = JSON.stringify(variableValues);
  return `${steps.join('/')} ${parentType.name}.${fieldName} ${fieldNodes.length} ${variables}`;
}

/** A schema of type definitions and resolvers, in which much goes wrong. */
export function animalSchema() {
  return makeExecutableSchema({
    typeDefs,
    resolvers: {
      Role: { ADMIN: 'a', USER: 7 },
      Date: new GraphQLScalarType({
        name: 'Date',
        serialize: (date) => (date as Date).toISOString(),
        parseValue: (text) => {
          const date = new Date(text as string);
          if (Number.isNaN(date.getTime())) throw new GraphQLError('That is no date.');
          return date;
        },
      }),
      Nothing: new GraphQLScalarType({ name: 'Nothing', serialize: () => null }),
      Any: new GraphQLScalarType({ name: 'Any' }),
      Animal: { __resolveType: (animal: { kind: string }) => animal.kind },
      Pet: { __resolveType: async (animal: { kind: string }) => animal.kind },
      Item: {
        self: (item: Counter) => item,
        late: async (item: Counter) => item,
        place: (_item: Counter, _args: unknown, _context: unknown, info: GraphQLResolveInfo) =>
          place(info),
        strict: (item: Counter) => (item.n === 1 ? null : `s${item.n}`),
        pairs: (item: Counter) => [[item, item], null, [item]],
        matrix: () => [[1, 'x', null], null, [2]],
        role: (item: Counter) => (item.n % 2 === 0 ? 'a' : 7),
        since: async (item: Counter) => new Date(item.n),
      },
      Query: {
        items: (_root: unknown, { n }: { n: number }) =>
          Array.from({ length: n }, (_, index) => new Counter(index)),
        one: () => ({ id: 'x', n: 2 }),
        nested: () => [[new Counter(0), null], null, [new Counter(2)]],
        animals: () => [
          { kind: 'Dog', name: 'd', barks: true, friends: [{ kind: 'Cat', name: 'c' }, {}] },
          { kind: 'Cat', name: 'c', meows: false },
          { kind: 'Fish', name: null },
          { kind: 'Query' },
          { kind: null },
          { kind: 5 },
          { kind: 'Pet' },
          { kind: 'Unicorn' },
          new Error('an animal as an error'),
          Promise.resolve({ kind: 'Dog', name: 'p', friends: () => [{ kind: 'Cat', name: 'm' }] }),
        ],
        pets: () => [
          { kind: 'Dog', name: 'd' },
          { kind: 'Cat', name: 'c' },
          { kind: 'Dog', name: 'e' },
        ],
        holes: () => [1, null, 3],
        innerHoles: () => [[1], [null]],
        fraction: () => 1.5,
        notIterable: () => 'abc',
        echo: (_root: unknown, args: unknown) => JSON.stringify(args),
        chosen: (_root: unknown, args: unknown) => JSON.stringify(args),
        nothing: () => 4,
        any: () => ({ list: [1, { two: 2n.toString() }], at: new Date(0) }),
        thrown: () => {
          throw new Error('thrown');
        },
        public: () => {
          throw new GraphQLError('public', { extensions: { code: 'SEEN', more: [1] } });
        },
        promises: () => [Promise.resolve(1), 2, Promise.reject(new Error('rejected'))],
        notAnError: async () => {
          throw 'a string';
        },
        lateNull: async () => null,
        rejected: () => [new Counter(1), Promise.reject(new Error('no item'))],
        fromContext: (_root: unknown, _args: unknown, context: { name?: string }) => context.name,
        set: () => new Set([1, 2]),
        wrongType: () => ({ kind: 'Fish' }),
        noType: () => ({}),
        texts: () => [1, true, {}, 's', Number.NaN],
      },
      Mutation: {
        add: async (_root: unknown, { n }: { n: number }, context: { sum?: number }) => {
          const before = context.sum ?? 0;
          await new Promise((resolve) => setTimeout(resolve, 10 - n));
          context.sum = before + n;
          return context.sum;
        },
        fail: () => {
          throw new Error('failed');
        },
      },
    },
  });
}
