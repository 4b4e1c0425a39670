import { loadNative } from '../native.js';

/** How often something may happen. */
export interface RateLimitOptions {
  /** How many units may be taken at once: a whole number from 1 to 1,000,000. */
  limit: number;
  /** Milliseconds until that many have come back; they come back evenly, one per `windowMs / limit`. */
  windowMs: number;
  /** Units that this takes, from 0 (which only looks) to `limit`. Default 1. */
  cost?: number;
}

/** Whether something may happen, and how many units are left. */
export interface RateLimitResult {
  /** Whether the units were there; then they were taken. */
  allowed: boolean;
  /** The limit that was asked about. */
  limit: number;
  /** Whole units that are left. */
  remaining: number;
  /** When all units are back, in milliseconds since 1970. */
  resetAt: number;
  /** Milliseconds until the units can be taken; 0 when they were. */
  retryAfterMs: number;
}

const MAX_LIMIT = 1_000_000;
const MAX_WINDOW_MS = 366 * 24 * 3_600_000;
const MAX_KEY_LENGTH = 1_000;

/**
 * Takes units of a key's limit, if they are there; a refusal costs nothing.
 *
 * The algorithm is GCRA (generic cell rate algorithm): `limit` units at once, and they come back evenly. So over any stretch of
 * time at most `limit` units and those that came back in it are taken.
 *
 * Limits are counted in the memory of this process, for all its isolates; 100,000 keys are remembered, and beyond that those
 * that were not asked for longest are forgotten.
 *
 * @example
 * const result = await rateLimit(`login ${address}`, { limit: 5, windowMs: 60_000 });
 * if (!result.allowed) return new Response('Try later.', { status: 429, headers: rateLimitHeaders(result) });
 *
 * @throws {TypeError} for a key that is no text or an empty one
 * @throws {RangeError} for numbers out of range
 */
export async function rateLimit(key: string, options: RateLimitOptions): Promise<RateLimitResult> {
  checkKey(key);
  const { limit, windowMs, cost = 1 } = options;
  checkNumber('limit', limit, 1, MAX_LIMIT);
  checkNumber('windowMs', windowMs, 1, MAX_WINDOW_MS);
  checkNumber('cost', cost, 0, limit);
  const [taken, remaining, resetAfterMs, retryAfterMs] = loadNative().rateLimitTake(
    key,
    limit,
    windowMs,
    cost,
  ) as [number, number, number, number];
  return {
    allowed: taken === 1,
    limit,
    remaining,
    resetAt: Math.ceil(Date.now() + resetAfterMs),
    retryAfterMs: Math.ceil(retryAfterMs),
  };
}

/** What a call would answer, without taking anything: `allowed` tells whether `cost` units are there. */
rateLimit.peek = async (key: string, options: RateLimitOptions): Promise<RateLimitResult> => {
  const { cost = 1 } = options;
  const state = await rateLimit(key, { ...options, cost: 0 });
  checkNumber('cost', cost, 0, options.limit);
  if (state.remaining >= cost) return state;
  const interval = options.windowMs / options.limit;
  const untilReset = state.resetAt - Date.now();
  const retryAfterMs = Math.max(1, Math.ceil(untilReset + cost * interval - options.windowMs));
  return { ...state, allowed: false, retryAfterMs };
};

/** Gives a key all its units back; whether any had been taken. */
rateLimit.reset = async (key: string): Promise<boolean> => {
  checkKey(key);
  return loadNative().rateLimitReset(key);
};

/**
 * The headers that tell a client of its limit: `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds), and
 * `Retry-After` (seconds) where it was refused.
 */
export function rateLimitHeaders(result: RateLimitResult): Record<string, string> {
  const seconds = (ms: number) => String(Math.max(0, Math.ceil(ms / 1000)));
  return {
    'RateLimit-Limit': String(result.limit),
    'RateLimit-Remaining': String(result.remaining),
    'RateLimit-Reset': seconds(result.resetAt - Date.now()),
    ...(result.allowed ? {} : { 'Retry-After': seconds(result.retryAfterMs) }),
  };
}

function checkKey(key: string): void {
  if (typeof key !== 'string' || key === '' || key.length > MAX_KEY_LENGTH) {
    throw new TypeError(`The key of a rate limit is a text of 1 to ${MAX_KEY_LENGTH} characters.`);
  }
}

function checkNumber(name: string, value: number, from: number, to: number): void {
  if (!Number.isSafeInteger(value) || value < from || value > to) {
    throw new RangeError(`${name} is a whole number from ${from} to ${to}, not ${String(value)}.`);
  }
}
