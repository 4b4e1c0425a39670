// One connection for all channels and an emitter that finds the listeners, the usual way.
import { EventEmitter } from 'node:events';
import { Redis } from 'ioredis';

/** Calls a listener with the text of each message on a channel. */
export async function listen(channels, listener) {
  const redis = new Redis(process.env.REDIS_URL);
  const emitter = new EventEmitter();
  redis.on('message', (channel, text) => emitter.emit(channel, text));
  for (const [index, channel] of channels.entries()) {
    emitter.on(channel, (text) => listener(index, text));
  }
  await redis.subscribe(...channels);
}

export function publisher() {
  const redis = new Redis(process.env.REDIS_URL);
  return async (messages) => {
    const pipeline = redis.pipeline();
    for (const [channel, text] of messages) pipeline.publish(channel, text);
    await pipeline.exec();
  };
}
