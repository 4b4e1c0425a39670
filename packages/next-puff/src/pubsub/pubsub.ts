import { calls } from '../boundary/calls.js';
import { type ConnectionOptions, PubsubConnection, publish } from './connection.js';

/**
 * Messages on named channels, to whoever listens at that moment: route handlers, server actions,
 * WebSockets and GraphQL subscriptions, in this process and in all others on the same database.
 *
 * In this process a message arrives always, elsewhere at most once: a process that has lost its connection
 * to PostgreSQL misses what is published until it has a new one (`onGap` tells it). Messages of one
 * process arrive in their order.
 */
export const pubsub = {
  /**
   * Publishes a value and returns how many subscribers of this process took it.
   *
   * It does not take part in transactions: publish after they have committed.
   *
   * @param value text, bytes, or anything that JSON can hold
   * @throws {TypeError} for what is none of these
   * @throws {PuffError} `PUFF_PUBSUB_OVERFLOW` when 50,000 messages or 64 MB wait for the way to other
   *   processes; in this process it was delivered
   */
  publish(channel: string, value: unknown): number {
    return publish(channel, value);
  },

  /** Publishes a value under the id of a connection, which subscribers see as `sender`. */
  publishAs(id: string, channel: string, value: unknown): number {
    return publish(channel, value, id);
  },

  /** Resolves when what was published until now has left for other processes: before a script ends. */
  async flush(): Promise<void> {
    await calls().submit((boundary, call) => boundary.pubsubFlush(call));
  },

  /** Opens a connection, which listens to nothing yet. */
  connection(options?: ConnectionOptions): PubsubConnection {
    return new PubsubConnection(options);
  },

  /**
   * Opens a connection that listens to one channel, to several, or to those that match patterns.
   *
   * @example
   * for await (const message of pubsub.subscribe({ pattern: 'polls.*' })) console.log(message.channel);
   */
  subscribe(
    channels: string | readonly string[] | { pattern: string | readonly string[] },
    options?: ConnectionOptions,
  ): PubsubConnection {
    const connection = new PubsubConnection(options);
    if (typeof channels === 'object' && 'pattern' in channels) {
      for (const pattern of listOf(channels.pattern)) connection.subscribePattern(pattern);
    } else {
      for (const channel of listOf(channels)) connection.subscribe(channel);
    }
    return connection;
  },
};

function listOf(names: string | readonly string[]): readonly string[] {
  return typeof names === 'string' ? [names] : names;
}
