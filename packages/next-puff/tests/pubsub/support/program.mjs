// A process with one connection, which does what its parent asks for and reports what it hears.
import { pubsub } from 'next-puff/pubsub';

const connection = pubsub.connection({
  buffer: 100_000,
  onGap: () => process.send({ gap: true }),
});

const methods = {
  id: () => connection.id,
  subscribe: (channel) => connection.subscribe(channel),
  unsubscribe: (channel) => connection.unsubscribe(channel),
  subscribePattern: (pattern) => connection.subscribePattern(pattern),
  unsubscribePattern: (pattern) => connection.unsubscribePattern(pattern),
  ready: () => connection.ready(),
  dropped: () => connection.dropped,
  flush: () => pubsub.flush(),
  publish: (channel, values) => {
    for (const value of values) connection.publish(channel, value);
  },
  /** Publishes numbers from `first` on until told to stop; returns how many, and how long a call took at most. */
  flood: async (channel, first) => {
    let next = first;
    let refused = 0;
    let longestMs = 0;
    isFlooding = true;
    while (isFlooding) {
      const begin = performance.now();
      try {
        connection.publish(channel, next++);
      } catch (error) {
        if (error.code !== 'PUFF_PUBSUB_OVERFLOW') throw error;
        refused++;
      }
      longestMs = Math.max(longestMs, performance.now() - begin);
      if (next % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return { next, refused, longestMs };
  },
  calm: () => {
    isFlooding = false;
  },
};
let isFlooding = false;

process.on('message', async ({ call, method, args }) => {
  try {
    process.send({ call, value: await methods[method](...args) });
  } catch (error) {
    process.send({ call, error: String(error?.stack ?? error) });
  }
});
process.on('disconnect', () => process.exit());

try {
  for await (const message of connection) {
    const { channel, pattern, sender, kind } = message;
    const value = { text: message.text, binary: message.bytes }[kind] ?? message.json();
    process.send({ heard: { channel, pattern, sender, kind, value } });
  }
} catch ({ code, message }) {
  process.send({ refusal: `${code} ${message}` });
}
