import type { RedisArgument } from '../redis/connection.js';
import type { Command } from './command.js';

const KINDS = ['subscribe', 'psubscribe', 'ssubscribe'] as const;
/** The commands that subscribe: to channels, patterns and the channels of a shard. */
export type SubscriptionKind = (typeof KINDS)[number];

const ENDS: Readonly<Record<string, SubscriptionKind>> = {
  unsubscribe: 'subscribe',
  punsubscribe: 'psubscribe',
  sunsubscribe: 'ssubscribe',
};

/** What a client is subscribed to, also while it has no connection. */
export class Subscriptions {
  readonly #channels: Record<SubscriptionKind, Set<string>> = {
    subscribe: new Set(),
    psubscribe: new Set(),
    ssubscribe: new Set(),
  };

  /** Tells whether a command begins or ends subscriptions. */
  static concerns(this: void, { name }: Command): boolean {
    return KINDS.includes(name as SubscriptionKind) || name in ENDS;
  }

  /** Tells whether a connection takes a command though it is subscribed. */
  static admits(this: void, command: Command): boolean {
    return Subscriptions.concerns(command) || ['ping', 'quit'].includes(command.name);
  }

  get isEmpty(): boolean {
    return KINDS.every((kind) => this.#channels[kind].size === 0);
  }

  /** Calls back for every kind that has channels, to subscribe them again. */
  forEach(visit: (kind: SubscriptionKind, channels: string[]) => void): void {
    for (const kind of KINDS) {
      const channels = [...this.#channels[kind]];
      if (channels.length > 0) visit(kind, channels);
    }
  }

  /** Notes what a command has changed that Redis has confirmed. */
  confirm({ name, args }: Command): void {
    const ended = ENDS[name];
    if (!ended) {
      for (const channel of args) this.#channels[name as SubscriptionKind].add(nameOf(channel));
    } else if (args.length === 0) {
      this.#channels[ended].clear();
    } else {
      for (const channel of args) this.#channels[ended].delete(nameOf(channel));
    }
  }

  /** Forgets all channels. */
  clear(): void {
    for (const kind of KINDS) this.#channels[kind].clear();
  }
}

function nameOf(channel: RedisArgument): string {
  return typeof channel === 'object' ? Buffer.from(channel).toString() : String(channel);
}
