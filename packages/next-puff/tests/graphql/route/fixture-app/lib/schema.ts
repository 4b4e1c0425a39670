import { currentContext } from 'next-puff';
import { defineSchema, layer, sql } from 'next-puff/graphql';
import { pubsub } from 'next-puff/pubsub';
import { greeting } from './greeting';

export const schema = defineSchema<{ tenant: string | null }>({
  typeDefs: `
    type Query { greeting: String, tenant: String, route: String, slow: Int }
    type Mutation { rename(to: String!): String }
  `,
  context: ({ headers }) => ({ tenant: headers.get('x-tenant') }),
  layers: { Query: { slow: layer.static(() => sql`select 1 as slow from pg_sleep(30)`) } },
  resolvers: {
    Query: {
      greeting: () => greeting,
      tenant: (_parent, _args, { tenant }) => tenant,
      route: () => currentContext()?.name,
    },
    Mutation: {
      rename: (_parent: unknown, { to }: { to: string }) => {
        pubsub.publish('renamed', { renamed: to, number: to.length });
        return to;
      },
    },
  },
});
