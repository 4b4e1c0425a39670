// How fast are commands of Redis, against ioredis and node-redis? Each client has one connection to a server that this
// starts on a free port; they take turns in one process.
import assert from 'node:assert/strict';
import Ioredis from 'ioredis';
import { createClient } from 'redis';
import { compareAsync } from '../measure.mjs';
import { startRedis } from '../redis-server.mjs';

const server = await startRedis();
const { port } = server;
process.env.REDIS_URL = server.url;
const { redis } = await import('next-puff/redis');
const ioredis = new Ioredis(port, '127.0.0.1');
const nodeRedis = createClient({ url: process.env.REDIS_URL });
await nodeRedis.connect();

const LUA = "return redis.call('GET', KEYS[1]) .. ARGV[1]";
const script = redis.script(LUA);
const digest = await ioredis.script('LOAD', LUA);

const contestants = {
  'next-puff/redis': {
    set: (key, value) => redis.set(key, value),
    get: (key) => redis.get(key),
    pipeline: (keys) => {
      const pipeline = redis.pipeline();
      for (const key of keys) pipeline.command('GET', key);
      return pipeline.exec();
    },
    script: (key, text) => script([key], [text]),
  },
  ioredis: {
    set: (key, value) => ioredis.set(key, value),
    get: (key) => ioredis.get(key),
    pipeline: async (keys) => {
      const pipeline = ioredis.pipeline();
      for (const key of keys) pipeline.get(key);
      return (await pipeline.exec()).map(([, value]) => value);
    },
    script: (key, text) => ioredis.evalsha(digest, 1, key, text),
  },
  'node-redis': {
    set: (key, value) => nodeRedis.set(key, value),
    get: (key) => nodeRedis.get(key),
    pipeline: (keys) => {
      const pipeline = nodeRedis.multi();
      for (const key of keys) pipeline.get(key);
      return pipeline.execAsPipeline();
    },
    script: (key, text) => nodeRedis.evalSha(digest, { keys: [key], arguments: [text] }),
  },
};

const keys = Array.from({ length: 100 }, (_, i) => `bench:${i}`);
const value = 'a value of some forty characters, as many';
let expected;
for (const [name, client] of Object.entries(contestants)) {
  await Promise.all(keys.map((key) => client.set(key, value)));
  const got = [
    await client.get(keys[0]),
    await client.get('bench:none'),
    await client.pipeline(keys),
    await client.script(keys[1], 'ü'),
  ];
  expected ??= got;
  assert.deepEqual(got, expected, name);
}

const IN_FLIGHT = 64;
const COMMANDS = 2048;

/** Keeps 64 commands under way until all have run. */
function inFlight(run) {
  let next = 0;
  const worker = async () => {
    while (next < COMMANDS) await run(keys[next++ % keys.length]);
  };
  return Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

try {
  await compareAsync(
    'GET, 64 in flight',
    contestants,
    (c) => inFlight((key) => c.get(key)),
    COMMANDS,
  );
  await compareAsync(
    'SET, 64 in flight',
    contestants,
    (c) => inFlight((key) => c.set(key, value)),
    COMMANDS,
  );
  await compareAsync(
    'EVALSHA, 64 in flight',
    contestants,
    (c) => inFlight((key) => c.script(key, '!')),
    COMMANDS,
  );
  await compareAsync('pipeline of 100 GETs', contestants, (c) => c.pipeline(keys));
  await compareAsync('GET, one after the other', contestants, (c) => c.get(keys[0]));
} finally {
  await redis.end();
  ioredis.disconnect();
  nodeRedis.destroy();
  await server.stop();
}
