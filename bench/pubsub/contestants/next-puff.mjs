// A connection with an async iterator for each channel; REDIS_URL or DATABASE_URL says how messages travel.
import { pubsub } from 'next-puff/pubsub';

/** Calls a listener with the text of each message on a channel. */
export async function listen(channels, listener) {
  const connections = channels.map((channel) => pubsub.subscribe(channel));
  for (const [index, connection] of connections.entries()) read(connection, index, listener);
  await Promise.all(connections.map((connection) => connection.ready()));
}

async function read(connection, index, listener) {
  for await (const message of connection) listener(index, message.text);
}

export function publisher() {
  return async (messages) => {
    for (const [channel, text] of messages) pubsub.publish(channel, text);
    await pubsub.flush();
  };
}
