import { createClient } from 'redis';

let connecting;

/** The client of the process. */
export function connect() {
  connecting ??= createClient({ url: process.env.REDIS_URL }).connect();
  return connecting;
}
