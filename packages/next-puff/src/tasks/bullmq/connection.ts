import type { IRedisClient } from 'bullmq';
import type { RedisClientConfig, RedisTlsConfig } from '../../config/redis-config.cjs';
import { bullmqClient } from '../../ioredis/bullmq-client.js';
import { completeOptions } from '../../ioredis/options.js';

/** Which Redis. Plain data, so that the thread that renews leases can have it too. Fields win over the URL. */
export type RedisSettings = Pick<
  RedisClientConfig,
  'url' | 'host' | 'port' | 'path' | 'username' | 'password' | 'database' | 'tls'
>;

/** Opens a connection to Redis for BullMQ, on the native core. */
export function openClient(settings: RedisSettings): IRedisClient {
  const { url, host, port, path, username, password, database, tls } = settings;
  const encryption = tls === true ? {} : tls ? tlsOptions(tls) : undefined;
  const options = { host, port, path, username, password, db: database, tls: encryption };
  // ioredis knows sockets by their paths alone.
  const address = url?.startsWith('unix://') ? url.slice('unix://'.length) : url;
  return bullmqClient(completeOptions([options, address]));
}

/** As ioredis names them. */
function tlsOptions({ ca, certificate, key, rejectUnauthorized, serverName }: RedisTlsConfig) {
  return { ca, cert: certificate, key, rejectUnauthorized, servername: serverName };
}
