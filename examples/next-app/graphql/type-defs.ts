import { connectionArguments, connectionTypes } from 'next-puff/graphql';

/** What clients can ask, in the schema definition language. */
export const typeDefs = /* GraphQL */ `
  "A moment in ISO 8601."
  scalar DateTime

  type Query {
    "Newest first; those that contain the text, in upper or lower case."
    questions(search: String, status: QuestionStatus, ${connectionArguments}): QuestionConnection!
    question(id: Int!): Question
  }

  type Mutation {
    "Votes as the visitor of the request. A visitor's second vote for a question replaces the first."
    vote(questionId: Int!, choiceId: Int!): VotePayload!
  }

  type Subscription {
    "The question, each time it has new votes or was closed."
    results(questionId: Int!): Question
  }

  enum QuestionStatus {
    OPEN
    CLOSED
  }

  type Question {
    id: Int!
    text: String!
    status: QuestionStatus!
    publishedAt: DateTime!
    closedAt: DateTime
    "In the order they were written."
    choices: [Choice!]!
    voteCount: Int!
    "What the visitor voted for."
    myChoice: Choice
    "The page to vote on, or that of the results once the question is closed."
    url: String!
  }

  type Choice {
    id: Int!
    text: String!
    votes: Int!
    "Of all votes for the question, 0 to 1; 0 while there are none."
    share: Float!
  }

  type VotePayload {
    outcome: VoteOutcome!
    question: Question!
  }

  enum VoteOutcome {
    COUNTED
    "It replaced the visitor's vote from before."
    CHANGED
  }

  ${connectionTypes('Question')}
`;
