import { settings } from '../config/settings.js';
import type { RedisError } from '../errors.js';
import { redis } from '../redis/index.js';
import { TAKE } from './take-script.js';

/** What a key's limit has come to: `[1 if the units were taken, remaining, resetAfterMs, retryAfterMs]`. */
export type Taken = [number, number, number, number];

/** How long Redis is left alone after a failure, so that not every call waits for it. */
const PAUSE_MS = 500;

/** Codes of mistakes in the configuration: waiting does not help, and nobody should hear of them late. */
const MISTAKES = ['PUFF_REDIS_NOT_CONFIGURED', 'PUFF_REDIS_CONFIG'];

let run: ReturnType<typeof redis.script> | undefined;
let pausedUntil = 0;
let isDown = false;

/**
 * Takes units of a key's limit in Redis, for all processes; nothing where Redis does not answer in time.
 *
 * @throws {PuffError} where no Redis is configured, or not rightly
 */
export async function takeShared(
  key: string,
  units: number,
  windowMs: number,
  cost: number,
  timeoutMs: number,
): Promise<Taken | undefined> {
  run ??= redis.script(TAKE);
  const script = run;
  const reply = await answered(() => script([keyOf(key)], [units, windowMs, cost]), timeoutMs);
  if (reply === undefined) return undefined;
  return (reply as string[]).map(Number) as Taken;
}

/** Gives a key all its units back in Redis; whether any had been taken, nothing where Redis does not answer in time. */
export async function resetShared(key: string, timeoutMs: number): Promise<boolean | undefined> {
  const removed = await answered(() => redis.command(['DEL', keyOf(key)]), timeoutMs);
  return removed === undefined ? undefined : removed === 1;
}

function keyOf(key: string): string {
  return `next-puff:${settings().cache.prefix ?? 'app'}:limit:${key}`;
}

async function answered<T>(ask: () => Promise<T>, timeoutMs: number): Promise<T | undefined> {
  if (performance.now() < pausedUntil) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    const reply = await Promise.race([ask(), late]);
    isDown = false;
    return reply;
  } catch (error) {
    if (error instanceof Error && MISTAKES.includes((error as RedisError).code)) throw error;
    pausedUntil = performance.now() + PAUSE_MS;
    if (!isDown) {
      isDown = true;
      console.error(`[next-puff] Redis does not count rate limits: ${(error as Error).message}`);
    }
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
