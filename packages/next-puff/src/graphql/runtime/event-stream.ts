import { EXTENSION, isFieldSource, kindOf } from '../schema/field-source.js';
import type { ChannelCall, SubscribeCall, SubscriptionField } from '../schema/subscribe.js';
import type { RequestedField } from './requested-field.js';

/** Where the events of a subscription come from: the channel of that name, or the iterable. */
export type OpenedStream = string | AsyncIterable<unknown>;

type Field = SubscriptionField<never, never, unknown>;

/** The events of one subscription that JavaScript has: the source, and the latest of them. */
export class EventStream {
  readonly #controller = new AbortController();
  #iterator: AsyncIterator<unknown> | undefined;
  #current: unknown;
  #coordinate = '';
  #isEnded = false;

  /** The latest event. */
  get current(): unknown {
    return this.#current;
  }

  /** The field whose events they are, as `Subscription.field`. */
  get coordinate(): string {
    return this.#coordinate;
  }

  /** Aborts when the subscription ends. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Opens the source of a field's events, and returns the name of the channel if it is one.
   *
   * @throws what the function of the field throws, and for what is no source
   */
  async open(field: RequestedField): Promise<string | undefined> {
    this.#coordinate = field.coordinate;
    const stream = await openStream(field, this.signal);
    if (typeof stream === 'string') return stream;
    if (!isAsyncIterable(stream)) {
      throw new Error(
        `${field.coordinate}: Subscription field must return Async Iterable. Received: ${describe(stream)}.`,
      );
    }
    this.#iterator = stream[Symbol.asyncIterator]();
    // It may have ended while it was opened.
    if (this.#isEnded) this.#return();
    return undefined;
  }

  /** Waits for the next event; false when there is none any more. */
  async next(): Promise<boolean> {
    const result = await this.#iterator?.next();
    if (result === undefined || result.done) {
      this.#iterator = undefined;
      return false;
    }
    this.#current = result.value;
    return true;
  }

  /** Ends the source. Never throws. */
  end(): void {
    this.#isEnded = true;
    this.#controller.abort();
    this.#return();
  }

  #return(): void {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    try {
      // Nobody is there who could be told of its failure.
      iterator?.return?.()?.then(undefined, () => {});
    } catch {}
  }
}

function openStream(field: RequestedField, signal: AbortSignal): unknown {
  const { definition, context } = field;
  const args = field.args();
  const source = definition.extensions[EXTENSION];
  if (isFieldSource(source) && kindOf(source) === 'subscription') {
    const { source: events } = source as Field;
    const call = { args, context, signal } as SubscribeCall<never, never>;
    return events.kind === 'channel'
      ? events.name(call as ChannelCall<never, never>)
      : events.open(call);
  }
  return definition.subscribe?.(undefined, args, context, field.infoOf(0));
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof (value as AsyncIterable<unknown> | null)?.[Symbol.asyncIterator] === 'function';
}

function describe(value: unknown): string {
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}
