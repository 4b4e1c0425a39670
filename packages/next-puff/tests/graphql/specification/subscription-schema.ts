import { makeExecutableSchema } from '@graphql-tools/schema';
import type { GraphQLSchema } from 'graphql';

const typeDefs = /* GraphQL */ `
  type Query {
    a: Int
  }
  type Subscription {
    count(to: Int!): Int
    person: Person
    people: [Person]
    thing: Thing
    doubled(to: Int!): Int
    method(n: Int): Int
    odd(to: Int!): Int
    strict(to: Int!): Int!
    late: Int
    throws: Int
    rejects: Int
    breaks: Int
    contexts: Int
  }
  type Person {
    name: String!
    shout: String
    fails: String
  }
  type Stone {
    weight: Float
  }
  union Thing = Person | Stone
`;

/** What all events of a subscription share. */
export interface SubscriptionContext {
  contexts: number;
}

async function* countTo(to: number): AsyncGenerator<number> {
  for (let count = 1; count <= to; count++) yield count;
}

async function* named<Value>(field: string, values: Iterable<Value> | AsyncIterable<Value>) {
  for await (const value of values) yield { [field]: value };
}

const ada = { name: 'Ada' };
const eve = { name: 'Eve' };

const resolvers = {
  Person: {
    shout: ({ name }: { name: string }) => name.toUpperCase(),
    fails: ({ name }: { name: string }) => {
      throw new Error(`${name} failed`);
    },
  },
  Thing: { __resolveType: (thing: object) => ('weight' in thing ? 'Stone' : 'Person') },
  Subscription: {
    count: { subscribe: (_: unknown, { to }: { to: number }) => named('count', countTo(to)) },
    person: { subscribe: async () => named('person', [ada, null, eve]) },
    people: { subscribe: () => named('people', [[ada, null, eve]]) },
    thing: { subscribe: () => named('thing', [ada, { weight: 1.5 }]) },
    doubled: {
      subscribe: (_: unknown, { to }: { to: number }) => countTo(to),
      resolve: (event: number) => event * 2,
    },
    method: { subscribe: () => named('method', [({ n }: { n: number }) => n]) },
    odd: {
      subscribe: (_: unknown, { to }: { to: number }) => countTo(to),
      resolve: async (event: number) => {
        if (event % 2 === 0) throw new Error(`${event} is even`);
        return event;
      },
    },
    strict: {
      subscribe: (_: unknown, { to }: { to: number }) => countTo(to),
      resolve: (event: number) => (event === 1 ? event : null),
    },
    late: {
      subscribe: () => named('late', [Promise.resolve(1), Promise.resolve(2)]),
    },
    throws: {
      subscribe: () => {
        throw new Error('thrown');
      },
    },
    rejects: { subscribe: () => Promise.reject(new Error('rejected')) },
    breaks: {
      subscribe: async function* () {
        yield { breaks: 1 };
        throw new Error('broken');
      },
    },
    contexts: {
      subscribe: (_: unknown, _args: object, context: SubscriptionContext) => {
        context.contexts += 1;
        return countTo(2);
      },
      resolve: (_: unknown, _args: object, { contexts }: SubscriptionContext) => contexts,
    },
  },
};

/** The schema that all cases of subscriptions are about. */
export function subscriptionSchema(): GraphQLSchema {
  return makeExecutableSchema({ typeDefs, resolvers });
}
