// The polls schema with one statement for each layer.
import { defineSchema, layer, sql } from 'next-puff/graphql';

const typeDefs = /* GraphQL */ `
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

/**
 * Makes the schema. Its layers need no JavaScript at a request, unless `choicesLayer` is `layer`: then a
 * function says the statement for the choices each time.
 */
export const pollsSchema = (choicesLayer = layer.static) =>
  defineSchema({
    typeDefs,
    layers: {
      Query: {
        questions: layer.static(
          ({ args }) =>
            sql`select id, question_text, pub_date from question where id > ${args.after} order by id limit ${args.limit}`,
        ),
        question: layer.static(
          ({ args }) => sql`select id, question_text, pub_date from question where id = ${args.id}`,
        ),
      },
      Mutation: {
        createVote: layer.static(
          ({ args }) =>
            sql`insert into vote (choice_id, voter_name) values (${args.choiceId}, ${args.voterName}) returning id, choice_id, voter_name, created_at`,
        ),
      },
      Question: {
        choices: choicesLayer(
          ({ parents }) =>
            sql`select id, question_id, choice_text, votes from choice where question_id = any(${parents.id}) order by id`,
          { on: { id: 'question_id' } },
        ),
      },
      Choice: {
        ballots: layer.static(
          ({ parents }) =>
            sql`select id, choice_id, voter_name, created_at from vote where choice_id = any(${parents.id}) order by id`,
          { on: { id: 'choice_id' } },
        ),
      },
    },
  });
