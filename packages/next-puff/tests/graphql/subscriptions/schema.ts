import { GraphQLError } from 'graphql';
import { defineSchema, type PuffSchema, type SchemaRequest, subscribe } from 'next-puff/graphql';

/** What happens to the sources of a schema's events, for tests to wait for. */
export class Sources {
  readonly #events: string[] = [];
  #happened: (() => void) | undefined;

  add(event: string): void {
    this.#events.push(event);
    this.#happened?.();
  }

  /** Waits until something has happened, and forgets it with all before it. */
  async until(event: string): Promise<void> {
    for (;;) {
      const place = this.#events.indexOf(event);
      if (place >= 0) {
        this.#events.splice(0, place + 1);
        return;
      }
      await new Promise<void>((resolve) => {
        this.#happened = resolve;
      });
    }
  }
}

/** Who asks. */
export interface Viewer {
  name: string | null;
  request: SchemaRequest;
}

const typeDefs = /* GraphQL */ `
  type Query {
    hello(name: String = "world"): String!
    fails: String!
    viewer: String
    "Never answers."
    never: Int
  }
  type Mutation {
    say(room: ID!, text: String!): Int!
  }
  type Subscription {
    "Counts to a number and ends."
    count(to: Int!): Int!
    "Waits for nothing, for ever."
    wait(id: ID!): Int
    "Fails after an event."
    breaks(publicly: Boolean = false): Int!
    "Cannot be subscribed to."
    refuses: Int
    noIterable: Int
    "Fails for every second event."
    odd(to: Int!): Int
    viewer: String
    message(room: ID!): Message
    scripted(room: ID!): Message
    own: Message
  }
  type Message {
    room: ID!
    text: String
    loud: String
  }
`;

/** A schema with all kinds of sources. */
export function testSchema(
  sources: Sources,
  publish: (channel: string, event: unknown) => number,
): PuffSchema<Viewer> {
  return defineSchema<Viewer>({
    typeDefs,
    maskErrors: true,
    onError: (error) => sources.add(`reported: ${(error as Error).message}`),
    context: (request) => {
      const { connectionParams } = request;
      if (connectionParams?.token === 'bad') throw new Error('a bad token');
      if (connectionParams?.token === 'slow') return new Promise<Viewer>(() => {});
      const name = (connectionParams?.token ?? request.authToken) as string | undefined;
      return { name: name ?? null, request };
    },
    resolvers: {
      Query: {
        hello: (_: unknown, { name }: { name: string }) => `Hello, ${name}!`,
        fails: () => {
          throw new Error('secret');
        },
        viewer: (_: unknown, _args: object, { name }: Viewer) => name,
        never: () => new Promise(() => {}),
      },
      Mutation: {
        say: (_: unknown, { room, text }: { room: string; text: string }) =>
          publish(`room:${room}`, { message: { room, text } }),
      },
      Message: {
        loud: ({ text }: { text: string }) => text.toUpperCase(),
      },
    },
    layers: {
      Subscription: {
        count: subscribe(async function* ({ args }: { args: Readonly<Record<string, unknown>> }) {
          for (let count = 1; count <= (args.to as number); count++) yield { count };
        }),
        wait: subscribe(async function* ({ args, signal }) {
          sources.add(`opened ${args.id}`);
          try {
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
          } finally {
            sources.add(`ended ${args.id}`);
          }
          yield { wait: 1 };
        }),
        breaks: subscribe(async function* ({ args }) {
          yield { breaks: 1 };
          throw args.publicly ? new GraphQLError('broken') : new Error('secret');
        }),
        refuses: subscribe(() => {
          throw new GraphQLError('not you', { extensions: { code: 'FORBIDDEN' } });
        }),
        noIterable: subscribe((() => 5) as never),
        odd: subscribe(
          async function* ({ args }) {
            for (let odd = 1; odd <= (args.to as number); odd++) yield odd;
          },
          {
            resolve: ({ event }) => {
              if (event % 2 === 0) throw new GraphQLError(`${event} is even`);
              return event;
            },
          },
        ),
        viewer: subscribe(async function* ({ context }) {
          yield { viewer: context.name };
        }),
        message: subscribe.channel(({ args }) => `room:${args.room}`),
        scripted: subscribe.channel<{ message: object }>(({ args }) => `room:${args.room}`, {
          resolve: ({ event }) => event.message,
        }),
        own: subscribe.channel(({ context }: { context: Viewer }) => `room:of ${context.name}`, {
          resolve: ({ event }) => (event as { message: object }).message,
        }),
      },
    },
  });
}
