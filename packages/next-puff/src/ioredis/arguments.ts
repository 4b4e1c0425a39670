import { exists, getKeyIndexes } from '@ioredis/commands';
import type { RedisArgument } from '../redis/connection.js';

const TAKES_PAIRS_AT: Readonly<Record<string, number>> = { mset: 0, msetnx: 0, hset: 1, hmset: 1 };

/** Makes what a method was called with into what Redis is sent: arrays, maps and objects are laid out flat. */
export function redisArguments(name: string, args: readonly unknown[]): RedisArgument[] {
  let flat = args.some(Array.isArray) ? args.flat() : [...args];
  const at = TAKES_PAIRS_AT[name];
  if (at !== undefined && flat.length === at + 1) {
    const pairs = flat[at];
    if (isRecord(pairs)) {
      const entries = pairs instanceof Map ? [...pairs] : Object.entries(pairs);
      flat = [...flat.slice(0, at), ...entries.flat()];
    }
  }
  return flat.map(redisArgument);
}

function redisArgument(value: unknown): RedisArgument {
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  if (value === null || value === undefined) return '';
  // From 1e21 on a number's own text is in a notation that Redis does not read as an integer.
  const isLarge = Number.isInteger(value) && !Number.isSafeInteger(value);
  return String(isLarge ? BigInt(value as number) : value);
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

/** Puts a prefix before every argument that is a key of the command. */
export function prefixKeys(name: string, args: RedisArgument[], prefix: string | Buffer): void {
  if (!exists(name, { caseInsensitive: true })) return;
  const places = getKeyIndexes(name, args as (string | Buffer)[], { nameCaseInsensitive: true });
  for (const place of places) {
    const key = args[place];
    if (key === undefined) continue;
    args[place] =
      typeof key === 'object' || typeof prefix === 'object'
        ? Buffer.concat([Buffer.from(prefix), Buffer.from(key as string)])
        : prefix + key;
  }
}
