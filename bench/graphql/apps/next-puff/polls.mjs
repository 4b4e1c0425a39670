// The polls schema with a statement for each layer. `JAVASCRIPT_LAYERS=1` lets functions say the
// statements at each request, instead of once at the start: what does it cost to call JavaScript?
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

const selectChoices = ({ parents }) =>
  sql`select id, question_id, choice_text, votes from choice where question_id = any(${parents.id}) order by id`;

export const schema = defineSchema({
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
      choices:
        process.env.JAVASCRIPT_LAYERS === '1'
          ? layer(selectChoices, { on: { id: 'question_id' } })
          : layer.static(selectChoices, { on: { id: 'question_id' } }),
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
