import type { RedisSettings } from './connection.js';

/** Settings as the native core reads them: JSON, in which TLS is an object or absent. */
export function nativeOptions({ tls, retryDelay, ...settings }: RedisSettings): string {
  return JSON.stringify({
    ...settings,
    ...(tls !== undefined && tls !== false && { tls: tls === true ? {} : tls }),
    ...(retryDelay !== undefined && { asksForRetry: true }),
  });
}
