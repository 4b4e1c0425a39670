import { defineSchema, layer, sql, subscribe } from 'next-puff/graphql';

/** Needs no JavaScript at a request. */
export const schema = defineSchema({
  typeDefs: `
    type Query { add(a: Int!, b: Int!): Int, broken: Int, slow: Int }
    type Mutation { rename(to: String!): String }
    type Subscription { renamed: String, sum(a: Int!): Int, counted(to: Int!): Int }
  `,
  layers: {
    Query: {
      add: layer.static(({ args }) => sql`select ${args.a}::int + ${args.b}::int as add`),
      broken: layer.static(() => sql`select 1 / 0 as broken`),
      slow: layer.static(() => sql`select 1 as slow from pg_sleep(30)`),
    },
    Mutation: {
      rename: layer.static(({ args }) => sql`select ${args.to}::text as rename`),
    },
    Subscription: {
      renamed: subscribe.channel('renamed'),
      sum: subscribe.channel('renamed', {
        resolve: layer.static(
          ({ args, event }) => sql`select ${args.a}::int + ${event.number}::int as sum`,
        ),
      }),
      counted: subscribe(async function* ({ args }) {
        for (let counted = 1; counted <= Number(args.to); counted++) yield { counted };
      }),
    },
  },
});
