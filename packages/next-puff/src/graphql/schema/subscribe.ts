import { KIND, type LayerInfo, type StaticLayer } from './field-source.js';

/** What the source of a subscription's events is made from. */
export interface SubscribeCall<Args, Context> {
  /** The arguments, coerced. */
  readonly args: Args;
  /** What the schema's `context` returned; made once for the subscription and all its events. */
  readonly context: Context;
  /** Aborts when the subscription ends: the client has left, or the source has failed. */
  readonly signal: AbortSignal;
}

/** What the name of a channel is made from. */
export type ChannelCall<Args, Context> = Omit<SubscribeCall<Args, Context>, 'signal'>;

/** What the value of a field is made from, for one event. */
export interface EventCall<Event, Args, Context> {
  /** What the source has yielded, or what was published on the channel. */
  readonly event: Event;
  readonly args: Args;
  readonly context: Context;
  readonly info: LayerInfo;
}

/** How an event becomes the value of the field. */
export interface SubscribeOptions<Event, Args, Context, Result = unknown> {
  /**
   * A static layer, whose statement runs for each event and may use `event`, or a function. Without it the
   * value is the property of the event that is called as the field.
   */
  readonly resolve?:
    | StaticLayer<Args, never, Context>
    | ((call: EventCall<Event, Args, Context>) => Result | Promise<Result>);
}

/** Where the events of a field come from. */
export type EventSource =
  | {
      readonly kind: 'events';
      readonly open: (
        call: SubscribeCall<never, never>,
      ) => AsyncIterable<unknown> | Promise<AsyncIterable<unknown>>;
    }
  | {
      readonly kind: 'channel';
      readonly name: (call: ChannelCall<never, never>) => string | Promise<string>;
    };

/** A field of the subscription type; see {@link SubscribeFunction}. */
export class SubscriptionField<Args = never, Context = never, Result = unknown> {
  readonly [KIND] = 'subscription';
  readonly source: EventSource;
  readonly options: SubscribeOptions<never, Args, Context, Result>;

  constructor(source: EventSource, options: SubscribeOptions<never, Args, Context, Result>) {
    this.source = source;
    this.options = options;
  }
}

type Named = Readonly<Record<string, unknown>>;

/** Says where the events of a subscription come from; see {@link SubscribeFunction.channel}. */
export interface SubscribeFunction {
  /**
   * Events that JavaScript makes: the function is called once per subscription and returns an async
   * iterable, as an async generator does.
   *
   * Its next event is asked for when the response to the one before has gone to the client, and its
   * `return()` is called when the subscription ends.
   */
  <Event, Args = Named, Context = unknown, Result = unknown>(
    events: (
      call: SubscribeCall<Args, Context>,
    ) => AsyncIterable<Event> | Promise<AsyncIterable<Event>>,
    options?: SubscribeOptions<Event, Args, Context, Result>,
  ): SubscriptionField<Args, Context, Result>;
  /**
   * Events that are published on a channel of `pubsub`.
   *
   * Where the name needs nothing but arguments it is put together without JavaScript, and so is the
   * response, if the selected fields need none: then an event is executed once for all subscribers with
   * the same operation and variables.
   */
  channel<Event = unknown, Args = Named, Context = unknown, Result = unknown>(
    name: string | ((call: ChannelCall<Args, Context>) => string | Promise<string>),
    options?: SubscribeOptions<Event, Args, Context, Result>,
  ): SubscriptionField<Args, Context, Result>;
}

/** Says where the events of a field of the subscription type come from. */
export const subscribe: SubscribeFunction = Object.assign(
  <Event, Args, Context, Result>(
    events: (
      call: SubscribeCall<Args, Context>,
    ) => AsyncIterable<Event> | Promise<AsyncIterable<Event>>,
    options: SubscribeOptions<Event, Args, Context, Result> = {},
  ) =>
    new SubscriptionField<Args, Context, Result>(
      { kind: 'events', open: events as never },
      options as never,
    ),
  {
    channel: <Event, Args, Context, Result>(
      name: string | ((call: ChannelCall<Args, Context>) => string | Promise<string>),
      options: SubscribeOptions<Event, Args, Context, Result> = {},
    ) =>
      new SubscriptionField<Args, Context, Result>(
        { kind: 'channel', name: typeof name === 'string' ? () => name : (name as never) },
        options as never,
      ),
  },
);
