import { afterEach } from '@jest/globals';
import {
  openRedisConnection,
  type RedisConnection,
  type RedisSettings,
} from '../../../dist/redis/connection.js';
import { RedisServer, type RedisServerOptions } from './redis-server.ts';

/** Servers and connections of a test file's own; they end with each test. */
export function redisResources() {
  const servers: RedisServer[] = [];
  const connections: RedisConnection[] = [];
  afterEach(async () => {
    for (const connection of connections.splice(0)) connection.close();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });
  return {
    async start(options: RedisServerOptions = {}): Promise<RedisServer> {
      const server = await RedisServer.start(options);
      servers.push(server);
      return server;
    },
    open(settings: RedisSettings): RedisConnection {
      const connection = openRedisConnection(settings);
      connections.push(connection);
      return connection;
    },
  };
}

/** Waits until a function stops rejecting. */
export async function eventually<T>(run: () => Promise<T>): Promise<T> {
  const end = Date.now() + 40_000;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
