import { errorOfThrown } from '../boundary/failures.js';
import { settings } from '../config/settings.js';
import { NotConfiguredError } from '../errors.js';
import { loadNative } from '../native.js';
import { Database } from '../postgres/database.js';
import { configuredRedis, redisSettings } from '../redis/configuration.js';
import { nativeOptions } from '../redis/native-options.js';

let isConnected = false;

/**
 * Connects this process with the others before the first message, as `pubsub.transport` of the config says; no
 * server is asked anything until something is published or listened to.
 *
 * @throws {PuffError} when the transport that the config names is not configured
 */
export function connectProcesses(): void {
  if (isConnected) return;
  const { transport } = settings().pubsub ?? {};
  const hasRedis = configuredRedis() !== undefined;
  if (transport === 'redis' || (transport === undefined && hasRedis)) connectByRedis();
  else if (transport !== 'none') connectByPostgres(transport === 'postgres');
  isConnected = true;
}

function connectByRedis(): void {
  const options = nativeOptions(redisSettings());
  try {
    loadNative().pubsubConnectRedis(options);
  } catch (error) {
    throw errorOfThrown(error);
  }
}

function connectByPostgres(isNeeded: boolean): void {
  let pool: number;
  try {
    pool = new Database('default').nativePool();
  } catch (error) {
    // Without a database there are no others.
    if (error instanceof NotConfiguredError && !isNeeded) return;
    throw error;
  }
  try {
    loadNative().pubsubConnectPostgres(pool);
  } catch (error) {
    throw errorOfThrown(error);
  }
}
