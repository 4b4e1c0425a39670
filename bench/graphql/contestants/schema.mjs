// What the JavaScript contestants share: the schema, and children sorted to their parents.
import { GraphQLScalarType } from 'graphql';

export const POOL_SIZE = 10;

export const typeDefs = /* GraphQL */ `
  scalar DateTime

  type Query {
    questions(limit: Int! = 100, after: Int! = 0): [Question!]!
    question(id: Int!): Question
  }

  type Mutation {
    createVote(choiceId: Int!, voterName: String!): Vote!
  }

  type Question {
    id: Int!
    questionText: String!
    pubDate: DateTime!
    choices: [Choice!]!
  }

  type Choice {
    id: Int!
    choiceText: String!
    votes: Int!
    ballots: [Vote!]!
  }

  type Vote {
    id: Int!
    choiceId: Int!
    voterName: String!
    createdAt: DateTime!
  }
`;

export const DateTime = new GraphQLScalarType({
  name: 'DateTime',
  serialize: (value) => value.toISOString(),
});

/** Returns an array of rows for each key, which the rows have in a column. */
export function groupBy(keys, rows, column) {
  const groups = new Map(keys.map((key) => [key, []]));
  for (const row of rows) groups.get(row[column]).push(row);
  return keys.map((key) => groups.get(key));
}
