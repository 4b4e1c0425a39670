import { afterAll, afterEach, beforeAll } from '@jest/globals';
import Redis, { type RedisOptions } from 'next-puff/ioredis';
import { RedisServer, type RedisServerOptions } from '../../redis/support/redis-server.ts';

/** A Redis server of a test file's own, and clients of it that end with each test. */
export function redisClients(options: RedisServerOptions = {}) {
  let server: RedisServer;
  const clients: Redis[] = [];
  beforeAll(async () => {
    server = await RedisServer.start(options);
  }, 60_000);
  afterEach(() => {
    server.thaw();
    for (const client of clients.splice(0)) client.disconnect();
  });
  afterAll(() => server?.stop());
  return {
    get server() {
      return server;
    },
    get address() {
      return { host: '127.0.0.1', port: server.port };
    },
    client(given: RedisOptions = {}): Redis {
      const client = new Redis({ host: '127.0.0.1', port: server.port, ...given });
      clients.push(client);
      return client;
    },
  };
}

/** Waits for something to become true. */
export async function until(condition: () => unknown, what = 'it'): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Waited for ${what} in vain.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Resolves with the arguments of the next event of a name. */
export function nextEvent(client: Redis, name: string): Promise<unknown[]> {
  return new Promise((resolve) => {
    client.once(name, (...args: unknown[]) => resolve(args));
  });
}
