/** What a message is about; `message.rs` has the same numbers. */
export const Topic = {
  /** A request to answer. */
  request: 1,
  /** More of a request's body: bytes. */
  requestBody: 2,
  /** A request's body has ended; the first number is 1 if it was cut off. */
  requestEnd: 3,
  /** The client of a request went away, or its answer was given up. */
  closed: 4,
  /** What was written of an answer has gone out: more may follow. */
  drained: 5,
  /** Something about the server as a whole: JSON. */
  server: 6,
  /** A client asks for a WebSocket; the content is that of a request. */
  socketRequest: 10,
  /** A text came; the first number is what it costs until it is read. */
  socketText: 11,
  /** Bytes came; as with texts. */
  socketBinary: 12,
  /** A socket has ended: its code, 1 if both sides have closed it, and the reason. */
  socketClosed: 13,
  /** What was sent on a socket has gone out: more may follow. */
  socketDrained: 14,
  /** The answer to a ping: its bytes. */
  socketPong: 15,
  /** A GraphQL operation that did not begin in this isolate; see `hosted-operations.ts`. */
  graphql: 20,
  /**
   * Messages of the hub: how many, and where the words of the first are; the words, their text and their
   * bytes. They are a record of their own, see `deliveries.rs`.
   */
  pubsub: 30,
  /** What came on a connection to Redis: the number of events, where they begin, and words, text and bytes. */
  redis: 40,
  /** Jobs for a worker to run: JSON. */
  taskJobs: 50,
  /** Runs of a worker that count no more: why, and the ids as JSON. */
  taskAbort: 51,
  /** A worker cannot use its store, which is a failure's JSON, or can again. */
  taskTrouble: 52,
} as const;

/**
 * Takes a message of the native core: what it is about, two numbers and attachments (strings and byte
 * arrays), as its topic says. Must not throw.
 */
export type MessageListener = (
  id: number,
  first: number,
  second: number,
  attachments: unknown[],
) => void;

// One table per isolate, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.message-listeners');
const globals = globalThis as { [KEY]?: (MessageListener | undefined)[] };

globals[KEY] ??= [];

/** The listeners of this isolate, by topic. */
export const messageListeners: (MessageListener | undefined)[] = globals[KEY];

/** Registers the listener of a topic, instead of a former one. */
export function onMessage(topic: number, listener: MessageListener): void {
  messageListeners[topic] = listener;
}
