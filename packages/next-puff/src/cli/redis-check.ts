import { configuredRedis } from '../redis/configuration.js';
import { openRedisConnection, type RedisSettings } from '../redis/connection.js';

/** The oldest version whose commands all of next-puff can rely on. */
const MINIMUM = [6, 2];

/** The servers that are configured, by what to call them. */
export function configuredServers(
  clients: Readonly<Record<string, RedisSettings>>,
): [name: string, settings: RedisSettings][] {
  const main = configuredRedis();
  return [
    ...(main === undefined ? [] : ([['Redis', main]] as [string, RedisSettings][])),
    ...Object.entries(clients).map(([name, settings]): [string, RedisSettings] => [
      `Redis "${name}"`,
      settings,
    ]),
  ];
}

/** Asks a server for its version. @throws when it cannot be reached, or is too old */
export async function examineRedis(settings: RedisSettings, timeoutMs: number): Promise<string> {
  const connection = openRedisConnection({ ...settings, connectTimeoutMs: timeoutMs });
  try {
    const info = String(await connection.command(['INFO', 'server']));
    const version = /^(?:redis|valkey)_version:(\S+)/m.exec(info)?.[1] ?? 'of an unknown version';
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const [minMajor = 0, minMinor = 0] = MINIMUM;
    if (major < minMajor || (major === minMajor && minor < minMinor)) {
      throw Object.assign(new Error(`Redis ${version} is older than ${MINIMUM.join('.')}`), {
        hint: 'Some commands (SET with GET, LMOVE, GETDEL) need a newer one: update the server.',
      });
    }
    return `Redis ${version}`;
  } finally {
    connection.close();
  }
}
