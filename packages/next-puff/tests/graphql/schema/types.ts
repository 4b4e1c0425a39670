// Compiles only if schemas are typed as they should be.
import {
  column,
  connection,
  defineSchema,
  fromGraphQLSchema,
  layer,
  type PuffSchema,
  perParent,
  type SchemaRequest,
  sql,
  subscribe,
} from 'next-puff/graphql';
import type { PrismaClient } from '../../prisma/generated/client/client.ts';
import type { SchemaTypes } from './golden/schema-types.d.ts';

declare const prisma: PrismaClient;
const typeDefs = 'type Query { a: Int }';

/** As `next-puff generate` writes it. */
interface Types {
  Query: {
    parent: Record<never, never>;
    fields: {
      users: { args: { after: number; name?: string | null }; result: readonly unknown[] };
      count: { args: Record<never, never>; result: number };
    };
  };
  User: {
    parent: { id: number; email: string; managerId: number | null };
    fields: {
      posts: { args: { first?: number | null }; result: readonly unknown[] };
      postCount: { args: Record<never, never>; result: number };
      email: { args: Record<never, never>; result: string };
    };
  };
}
interface Context {
  userId: number;
  teams: string[];
}

export const typed: PuffSchema<Context> = defineSchema<Context, Types>({
  typeDefs,
  context: ({ authToken }) => ({ userId: Number(authToken), teams: [] }),
  settings: ({ userId }) => ({ 'app.user_id': String(userId) }),
  layers: {
    Query: {
      users: layer.static(({ args, context }) => {
        const after: number = args.after;
        const userId: number = context.userId;
        return sql`select * from users where id > ${after} and owner = ${userId}`;
      }),
      count: layer(({ context }) => [context.teams.length]),
    },
    User: {
      posts: layer.static(
        ({ parents }) => prisma.post.findMany({ where: { authorId: { in: parents.id } } }),
        { on: { id: 'authorId' } },
      ),
      postCount: layer(async ({ parents, args: _, info, cache }) => {
        const emails: string[] = parents.email;
        cache.set(info.coordinate, emails);
        return parents.id.map((id: number) => (id > 0 ? id : new Error('no id')));
      }),
      email: column('email_address'),
    },
  },
});

// As it is generated: what may be left out fits too, and so do IDs and columns that are no fields.
defineSchema<Context, SchemaTypes>({
  typeDefs,
  layers: {
    Query: {
      users: layer.static(({ args }) => {
        const flag: Date = args.filter.created.from;
        return prisma.user.findMany({
          where: {
            id: { in: args.filter.ids },
            name: args.name,
            role: args.filter.role,
            createdAt: { gt: flag },
          },
        });
      }),
      userCount: layer(({ args }) => [args.min ?? 0]),
      user: layer.static(({ args }) => sql`select * from users where id = ${args.id}`, {
        pins: { id: 'id' },
      }),
    },
    User: {
      posts: layer.static(
        ({ parents }) => prisma.post.findMany({ where: { authorId: { in: parents.id } } }),
        { on: { id: 'authorId' } },
      ),
      manager: layer.static(({ parents }) => sql`${parents.managerId}`, {
        on: { managerId: 'id' },
      }),
      tags: layer(async () => [{ userId: 1, name: 'x' }], { on: { id: 'userId' } }),
    },
  },
});

// A column that may be null has no nulls among the keys of a static layer.
defineSchema<Context, Types>({
  typeDefs,
  layers: {
    User: {
      posts: layer.static(({ parents, args }) =>
        perParent(parents.managerId, (parent) => sql`${parent} ${args.first}`, { type: 'int4' }),
      ),
      postCount: layer.static(
        ({ parents }) => prisma.user.findMany({ where: { managerId: { in: parents.managerId } } }),
        { on: { id: 'managerId' }, value: 'id', default: 0 },
      ),
    },
  },
});

defineSchema<Context, Types>({
  typeDefs,
  layers: {
    User: {
      // @ts-expect-error the type has no such field
      nothing: layer.static(() => sql`select 1`),
      posts: layer.static(
        // @ts-expect-error the field has no such argument
        ({ args }) => sql`select ${args.last}`,
      ),
      postCount: layer(
        // @ts-expect-error the parents have no such column
        ({ parents }) => parents.name,
      ),
    },
  },
});

defineSchema<Context, Types>({
  typeDefs,
  // @ts-expect-error there is no such type
  layers: { Users: {} },
});

defineSchema<Context, Types>({
  typeDefs,
  // @ts-expect-error the context has no such member
  settings: ({ user }) => ({ user }),
  layers: {
    User: {
      // @ts-expect-error a count is a number
      postCount: layer(({ parents }) => parents.id.map((id) => `${id}`)),
    },
    Query: {
      users: connection({
        rows: ({ args, parent }) => sql`${args.after} ${parent}`,
        orderBy: ['id'],
        // @ts-expect-error the operation has no columns
        perParent: { column: 'id', type: 'int4' },
      }),
    },
  },
});

defineSchema<Context, Types>({
  typeDefs,
  layers: {
    User: {
      // @ts-expect-error a static layer returns a statement
      postCount: layer.static(() => 1),
    },
  },
});

// Without types, symbols fit wherever they are put, and values are unknown.
export const untyped: PuffSchema<SchemaRequest> = defineSchema({
  typeDefs,
  layers: {
    Query: {
      users: layer.static(({ args, context }) => sql`${args.name} ${context.authToken}`),
      user: layer.static(({ args }) => prisma.user.findUnique({ where: { id: args.id as never } })),
    },
    User: {
      posts: layer.static(
        ({ parents }) => prisma.post.findMany({ where: { authorId: { in: parents.id as never } } }),
        { on: { id: 'authorId' } },
      ),
      count: layer(({ parents, args }) => sql`${parents.id} ${args.first}`, { on: { id: 'id' } }),
      name: layer(({ info }) => Array.from({ length: info.parentCount }, () => 'x')),
      page: connection({
        rows: ({ parent, args }) => sql`${parent} ${args.x}`,
        orderBy: ['id', { column: 'at', direction: 'desc' }],
        perParent: { column: 'id', type: 'uuid' },
      }),
    },
  },
  resolvers: {
    Query: {
      hello: (_parent, args: { name: string }, context) => `${args.name}${context.authToken}`,
    },
    Role: { ADMIN: 'admin' },
    Node: { __resolveType: () => 'User' },
  },
});

// A context of its own.
defineSchema<{ admin: boolean }>({
  typeDefs,
  context: async () => ({ admin: true }),
  settings: ({ admin }) => ({ 'app.admin': String(admin) }),
  layers: {
    Query: {
      a: layer(({ context }) => [context.admin]),
      // @ts-expect-error it has no such member
      b: layer(({ context }) => [context.nobody]),
    },
  },
});

// @ts-expect-error the context has another type
defineSchema<{ admin: boolean }>({ typeDefs, context: () => ({ admin: 1 }) });
// @ts-expect-error a wrong option
defineSchema({ typeDefs, introspect: true });
// @ts-expect-error a direction that does not exist
connection({ rows: () => sql`select 1`, orderBy: [{ column: 'id', direction: 'down' }] });
// @ts-expect-error a type is needed
perParent([1], () => sql`select 1`);
// @ts-expect-error typeDefs are no schema
fromGraphQLSchema(typeDefs);

const result = await untyped.query<{ hello: string }>('{ hello }');
export const hello: string | undefined = result.data?.hello;
await typed.query({ query: '{ a }', context: { userId: 1, teams: [] } });
// @ts-expect-error an incomplete context
await typed.query({ query: '{ a }', context: { userId: 1 } });

/** A schema with subscriptions, as `next-puff generate` writes it. */
interface Subscribed extends Types {
  Subscription: {
    parent: Record<never, never>;
    fields: {
      count: { args: { to: number }; result: number };
      changed: { args: { id: string }; result: { id: number } | null };
    };
  };
}

defineSchema<Context, Subscribed>({
  typeDefs,
  layers: {
    Subscription: {
      count: subscribe(async function* ({ args, context, signal }) {
        const to: number = args.to;
        const userId: number = context.userId;
        if (!signal.aborted) yield { count: to + userId };
      }),
      changed: subscribe.channel(({ args, context }) => `${args.id} ${context.userId}`, {
        resolve: layer.static(({ args, event }) => {
          const id: string = args.id;
          return sql`select * from changed where id = ${id} and by = ${event.by}`;
        }),
      }),
    },
  },
});

defineSchema<Context, Subscribed>({
  typeDefs,
  layers: {
    Subscription: {
      count: subscribe.channel('counts', {
        resolve: ({ event, args }) => (event as { n: number }).n + args.to,
      }),
      // @ts-expect-error a number is what it is
      changed: subscribe.channel('changes', { resolve: () => 5 }),
    },
  },
});

export async function subscribes(): Promise<void> {
  for await (const { data, errors } of await typed.subscribe<{ count: number }>('subscription')) {
    const count: number | undefined = data?.count;
    const message: string | undefined = errors?.[0]?.message;
    console.log(count, message);
  }
}

// Where nothing is known of the arguments, the event may have a type.
defineSchema({
  typeDefs,
  layers: {
    Subscription: {
      count: subscribe.channel<{ n: number }>('counts', { resolve: ({ event }) => event.n }),
    },
  },
});
