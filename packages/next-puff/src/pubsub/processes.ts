import { errorOfThrown } from '../boundary/failures.js';
import { NotConfiguredError } from '../errors.js';
import { loadNative } from '../native.js';
import { Database } from '../postgres/database.js';

let isConnected = false;

/**
 * Connects this process with the others by the default database, if there is one, before the first message;
 * PostgreSQL is asked nothing until something is published or listened to.
 */
export function connectProcesses(): void {
  if (isConnected) return;
  isConnected = true;
  let pool: number;
  try {
    pool = new Database('default').nativePool();
  } catch (error) {
    // Without a database there are no others.
    if (error instanceof NotConfiguredError) return;
    throw error;
  }
  try {
    loadNative().pubsubConnectPostgres(pool);
  } catch (error) {
    throw errorOfThrown(error);
  }
}
