import { calls } from '../boundary/calls.js';
import { errorOfFailure } from '../boundary/failures.js';
import { onMessage, Topic } from '../boundary/messages.js';
import type { PuffError } from '../errors.js';
import { Kind, PubsubMessage } from './message.js';
import { connectProcesses } from './processes.js';

/** Takes what its subscriptions are told. Its methods must not throw. */
export interface Subscriber {
  take(message: PubsubMessage): void;
  /** Messages of other processes may have been missed. */
  gap(): void;
  /** So many messages came while the event loop stood still that these were dropped. */
  lose(count: number): void;
  /** Messages of other processes do not come for one of its subscriptions. */
  refuse(error: PuffError): void;
}

interface Subscription {
  readonly subscriber: Subscriber;
  readonly name: string;
  readonly isPattern: boolean;
}

interface Subscriptions {
  readonly open: Map<number, Subscription>;
  lastId: number;
}

// What follows mirrors `deliveries.rs`.
const WORDS = 8;

// One table per isolate, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.pubsub-subscriptions');
const globals = globalThis as { [KEY]?: Subscriptions };

/** Subscribes to a channel or a pattern and returns the subscription's id. */
export function subscribe(subscriber: Subscriber, name: string, isPattern: boolean): number {
  const all = subscriptions();
  do all.lastId = (all.lastId + 1) >>> 0;
  while (all.open.has(all.lastId));
  connectProcesses();
  calls().boundary.pubsubSubscribe(all.lastId, name, isPattern);
  all.open.set(all.lastId, { subscriber, name, isPattern });
  return all.lastId;
}

/** Ends a subscription; what has come already is still told. */
export function unsubscribe(id: number): void {
  calls().boundary.pubsubUnsubscribe(id);
}

function subscriptions(): Subscriptions {
  if (globals[KEY] === undefined) {
    const open = new Map<number, Subscription>();
    globals[KEY] = { open, lastId: 0 };
    onMessage(Topic.pubsub, (_id, count, begin, [words, text, bytes]) => {
      const events = new Events(words as Int32Array, text as string, bytes as Uint8Array);
      const end = begin + count * WORDS;
      for (let at = begin; at < end; at += WORDS) {
        const id = (events.words[at] as number) >>> 0;
        const subscription = open.get(id);
        if (subscription === undefined) continue;
        if (events.words[at + 1] === Kind.ended) open.delete(id);
        else events.tell(subscription, at);
      }
    });
  }
  return globals[KEY];
}

/** Events as the native core packed them. */
class Events {
  readonly words: Int32Array;
  readonly #text: string;
  readonly #bytes: Uint8Array;

  constructor(words: Int32Array, text: string, bytes: Uint8Array) {
    this.words = words;
    this.#text = text;
    this.#bytes = bytes;
  }

  /** Tells a subscription of the event whose words begin there. */
  tell({ subscriber, name, isPattern }: Subscription, at: number): void {
    const kind = this.words[at + 1] as number;
    if (kind === Kind.gap) {
      subscriber.gap();
      return;
    }
    if (kind === Kind.dropped) {
      subscriber.lose(this.words[at + 3] as number);
      return;
    }
    if (kind === Kind.refused) {
      subscriber.refuse(errorOfFailure(JSON.parse(this.#cut(at + 2) as string)));
      return;
    }
    const channel = isPattern ? (this.#cut(at + 6) as string) : name;
    const content = kind === Kind.binary ? this.#bytesAt(at + 2) : (this.#cut(at + 2) as string);
    const pattern = isPattern ? name : undefined;
    subscriber.take(new PubsubMessage(channel, pattern, kind, content, this.#cut(at + 4)));
  }

  /** A part of the text, by the words that say where it is. */
  #cut(at: number): string | undefined {
    const start = this.words[at] as number;
    if (start < 0) return undefined;
    return this.#text.slice(start, start + (this.words[at + 1] as number));
  }

  /** A part of the bytes, which is the reader's own. */
  #bytesAt(at: number): Uint8Array {
    const start = this.words[at] as number;
    const length = this.words[at + 1] as number;
    return length === 0 ? new Uint8Array() : this.#bytes.slice(start, start + length);
  }
}
