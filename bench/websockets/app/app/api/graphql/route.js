import { defineSchema, graphqlRoute, subscribe } from 'next-puff/graphql';

const schema = defineSchema({
  typeDefs: `
    type Query { ok: Boolean! }
    type Score { id: ID! text: String! votes: Int! }
    type Subscription { score: Score! }
  `,
  layers: { Subscription: { score: subscribe.channel('score') } },
  resolvers: { Query: { ok: () => true } },
});

export const { GET, POST } = graphqlRoute(schema);
