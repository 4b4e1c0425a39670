import { describe, expect, test } from '@jest/globals';
import { defineSchema, layer, type PuffSchema, sql, subscribe } from 'next-puff/graphql';

const typeDefs = `
  enum Kind { NEW OLD }
  enum Stored { A B }
  scalar Date
  input Filter { room: ID! }
  type Query { message: Message }
  type Subscription {
    plain: Message
    message(room: ID!, from: Int = 0, kind: Kind, loud: Boolean, stored: Stored, filter: Filter, size: Float, date: Date): Message
  }
  type Message { id: ID! text: String }
`;

type Definition = Omit<Parameters<typeof defineSchema>[0], 'typeDefs'>;
// biome-ignore lint/suspicious/noExplicitAny: as the functions are that are not typed
type Name = (call: { args: any; context: any }) => string | Promise<string>;

function schemaOf(definition: Definition): PuffSchema<unknown> {
  const resolvers = { Stored: { A: 'a', B: 'b' } };
  return defineSchema<unknown>({ typeDefs, resolvers, ...definition } as never);
}

function streamOf(name: Name) {
  const message = subscribe.channel(name);
  return schemaOf({ layers: { Subscription: { message } } }).spec.streams?.['Subscription.message'];
}

describe('names of channels that are made without JavaScript', () => {
  const text = (text: string) => ({ text });
  const arg = (name: string) => ({ arg: [name] });

  test.each<[name: string, fn: Name, parts: object[]]>([
    ['a text', () => 'messages', [text('messages')]],
    ['an argument', ({ args }) => `${args.room}`, [arg('room')]],
    ['a template', ({ args }) => `room:${args.room}/x`, [text('room:'), arg('room'), text('/x')]],
    [
      'a sum',
      ({ args }) => 'a'.concat(args.room, args.from),
      [text('a'), arg('room'), arg('from')],
    ],
    [
      'a list that is joined',
      ({ args }) => [args.room, args.kind, args.loud].join(':'),
      [arg('room'), text(':'), arg('kind'), text(':'), arg('loud')],
    ],
    [
      'what is taken apart',
      ({ args: { room, from } }) => `${from}${room}${from}`,
      [arg('from'), arg('room'), arg('from')],
    ],
  ])('%s', (_name, fn, parts) => {
    // Joined, what is null is nothing, and not "null".
    const isJoined = _name.startsWith('a list');
    expect(streamOf(fn)).toEqual(isJoined ? { kind: 'script' } : { kind: 'channel', parts });
  });

  test('a text instead of a function', () => {
    const plain = subscribe.channel('messages');
    expect(schemaOf({ layers: { Subscription: { plain } } }).spec.streams).toEqual({
      'Subscription.plain': { kind: 'channel', parts: [{ text: 'messages' }] },
    });
  });
});

describe('names of channels that JavaScript has to make', () => {
  test.each<[does: string, fn: Name]>([
    ['uses the context', ({ context }) => `of ${context.user}`],
    ['is a promise', async ({ args }) => `${args.room}`],
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['has a condition', ({ args }) => (args.loud ? 'loud' : 'quiet')],
    ['has a default', ({ args }) => `${args.kind ?? 'all'}`],
    ['compares', ({ args }) => (args.room === 'main' ? 'main' : `room:${args.room}`)],
    ['compares with a number', ({ args }) => (args.from > 5 ? 'late' : `${args.from}`)],
    ['calls a method', ({ args }) => args.room.toUpperCase()],
    ['calculates', ({ args }) => `${args.from + 1}`],
    ['uses an enum with values of its own', ({ args }) => `${args.stored}`],
    ['uses an input object', ({ args }) => `${args.filter.room}`],
    ['uses a number with a fraction', ({ args }) => `${args.size}`],
    ['uses a custom scalar', ({ args }) => `${args.date}`],
    ['uses an argument that is not there', ({ args }) => `${args.nothing.inside}`],
  ])('one that %s', (_does, fn) => {
    expect(streamOf(fn)).toEqual({ kind: 'script' });
  });
});

describe('how an event becomes a value', () => {
  const spec = (options: Parameters<typeof subscribe.channel>[1]) =>
    schemaOf({ layers: { Subscription: { message: subscribe.channel('x', options) } } }).spec
      .fields['Subscription.message'];

  test('it is the property of the event by itself', () => {
    expect(spec({})).toBeUndefined();
  });

  test('by a statement, with what is in the event', () => {
    const resolve = layer.static(
      ({ args, event }) =>
        sql`select * from message where id = ${event.id} and by = ${(event as unknown as { by: { user: string } }).by.user} and room = ${args.room}`,
    );
    expect(spec({ resolve: resolve as never })).toEqual({
      kind: 'statement',
      text: 'select * from message where id = $1 and by = $2 and room = $3',
      params: [{ event: ['id'] }, { event: ['by', 'user'] }, { arg: { path: ['room'] } }],
    });
  });

  test('by a function', () => {
    expect(spec({ resolve: ({ event }) => event })).toEqual({ kind: 'resolver' });
  });

  test('resolvers of graphql-js stay what they are', () => {
    const { spec } = schemaOf({
      resolvers: {
        Subscription: {
          plain: { subscribe: async function* () {} as never },
          message: { subscribe: async function* () {} as never, resolve: (() => null) as never },
        },
      },
    });
    expect(spec.streams).toEqual({
      'Subscription.plain': { kind: 'script' },
      'Subscription.message': { kind: 'script' },
    });
    expect(spec.fields).toEqual({ 'Subscription.message': { kind: 'resolver' } });
  });
});

describe('refusals', () => {
  function refusal(definition: Definition): { code: string; message: string } {
    try {
      schemaOf(definition);
    } catch (error) {
      return error as { code: string; message: string };
    }
    throw new Error('nothing was refused');
  }

  test('only subscriptions have events', () => {
    const message = subscribe.channel('x');
    expect(refusal({ layers: { Query: { message } } })).toMatchObject({
      code: 'PUFF_GRAPHQL_SCHEMA',
      message: expect.stringContaining('Query.message: it has `subscribe`'),
    });
    const outside = layer.static(({ event }) => sql`select ${event.id}`);
    expect(refusal({ layers: { Query: { message: outside as never } } })).toMatchObject({
      message: expect.stringContaining('`event.id` was used, and only subscriptions have events'),
    });
  });

  test('an event is no condition', () => {
    const resolve = layer.static(({ event }) => (event.id ? sql`select 1` : sql`select 2`));
    const plain = subscribe.channel('x', { resolve: resolve as never });
    expect(refusal({ layers: { Subscription: { plain } } })).toMatchObject({
      code: 'PUFF_GRAPHQL_NOT_STATIC',
    });
  });

  test('`resolve` is a static layer or a function', () => {
    for (const resolve of [5, layer(() => [1]), subscribe.channel('y')]) {
      const plain = subscribe.channel('x', { resolve: resolve as never });
      expect(refusal({ layers: { Subscription: { plain } } })).toMatchObject({
        message: expect.stringContaining('its `resolve` is neither a static layer nor a function'),
      });
    }
  });

  test('`subscribe` and a resolver exclude each other', () => {
    const plain = subscribe.channel('x');
    expect(
      refusal({
        layers: { Subscription: { plain } },
        resolvers: { Subscription: { plain: (() => null) as never } },
      }),
    ).toMatchObject({ message: expect.stringContaining('it has a layer and a resolver') });
  });
});
