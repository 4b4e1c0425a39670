import type { PuffSettings } from '../config/puff-config.cjs';
import { settings } from '../config/settings.js';
import { PuffError } from '../errors.js';
import type { RedisSettings } from './connection.js';

/** The name of the client that `REDIS_URL` configures. */
export const DEFAULT_CLIENT = 'default';

/**
 * The settings that the configuration has for a client.
 *
 * @throws {PuffError} `PUFF_REDIS_NOT_CONFIGURED` when it has none
 */
export function redisSettings(name: string = DEFAULT_CLIENT): RedisSettings {
  const clients = settings().redis?.clients ?? {};
  if (name !== DEFAULT_CLIENT) {
    const client = clients[name];
    if (client !== undefined) return client;
    const known = Object.keys(clients);
    throw new PuffError('PUFF_REDIS_NOT_CONFIGURED', `There is no Redis client named ${name}.`, {
      operation: 'redis',
      hint:
        known.length > 0
          ? `redis.clients in puff.config.ts has: ${known.join(', ')}.`
          : 'Add it to redis.clients in puff.config.ts.',
    });
  }
  const found = configuredRedis();
  if (found !== undefined) return found;
  throw new PuffError('PUFF_REDIS_NOT_CONFIGURED', 'No Redis is configured.', {
    operation: 'redis',
    hint: 'Set REDIS_URL, for example redis://127.0.0.1:6379, or redis.url in puff.config.ts.',
  });
}

/** The settings of the default client; nothing when no Redis is configured. */
export function configuredRedis(
  { redis }: Pick<PuffSettings, 'redis'> = settings(),
): RedisSettings | undefined {
  const { clients: _clients, ...defaultClient } = redis ?? {};
  const { url = process.env.REDIS_URL, host, path, sentinels } = defaultClient;
  if (!url && !host && !path && !sentinels) return undefined;
  return url ? { ...defaultClient, url } : defaultClient;
}
