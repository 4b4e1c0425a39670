import { loadNative } from '../native.js';
import { resetShared, type Taken, takeShared } from './shared-limits.js';

/** Who counts a limit. */
export interface RateLimitSharing {
  /** Whether Redis counts, for all processes that have the same `cache.prefix`, instead of this process. Default false. */
  shared?: boolean;
  /**
   * What happens where Redis does not answer: everything is allowed, nothing is, or this process counts for itself.
   * Default `local`.
   */
  onUnavailable?: 'allow' | 'deny' | 'local';
  /** Milliseconds for which Redis is waited for, from 1 to 60,000; after a failure it is left alone for 500 ms. Default 250. */
  timeoutMs?: number;
}

/** How often something may happen. */
export interface RateLimitOptions extends RateLimitSharing {
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
  /** Who decided: this process, Redis, or `onUnavailable` because Redis did not answer. */
  decidedBy: 'process' | 'redis' | 'onUnavailable';
}

const MAX_LIMIT = 1_000_000;
const MAX_WINDOW_MS = 366 * 24 * 3_600_000;
const MAX_KEY_LENGTH = 1_000;
const MAX_TIMEOUT_MS = 60_000;

/** When a caller that was denied because Redis did not answer may try again. */
const DENIED_MS = 1_000;

/**
 * Takes units of a key's limit, if they are there; a refusal costs nothing.
 *
 * The algorithm is GCRA (generic cell rate algorithm): `limit` units at once, and they come back evenly. So over any stretch of
 * time at most `limit` units and those that came back in it are taken.
 *
 * Limits are counted in the memory of this process, for all its isolates; 100,000 keys are remembered, and beyond that those
 * that were not asked for longest are forgotten. With `shared` they are counted in Redis, by its clock.
 *
 * @example
 * const result = await rateLimit(`login ${address}`, { limit: 5, windowMs: 60_000 });
 * if (!result.allowed) return new Response('Try later.', { status: 429, headers: rateLimitHeaders(result) });
 *
 * @throws {TypeError} for a key that is no text or an empty one
 * @throws {RangeError} for numbers out of range
 * @throws {PuffError} `PUFF_REDIS_NOT_CONFIGURED` with `shared` where no Redis is configured
 */
export async function rateLimit(key: string, options: RateLimitOptions): Promise<RateLimitResult> {
  checkKey(key);
  const { limit, windowMs, cost = 1 } = options;
  checkNumber('limit', limit, 1, MAX_LIMIT);
  checkNumber('windowMs', windowMs, 1, MAX_WINDOW_MS);
  checkNumber('cost', cost, 0, limit);
  if (options.shared !== true) return resultOf(limit, takeHere(key, options), 'process');
  const { onUnavailable, timeoutMs } = sharingOf(options);
  const taken = await takeShared(key, limit, windowMs, cost, timeoutMs);
  if (taken !== undefined) return resultOf(limit, taken, 'redis');
  switch (onUnavailable) {
    case 'local':
      return resultOf(limit, takeHere(key, options), 'onUnavailable');
    case 'allow':
      return resultOf(limit, [1, limit - cost, 0, 0], 'onUnavailable');
    case 'deny':
      return resultOf(limit, [0, 0, DENIED_MS, DENIED_MS], 'onUnavailable');
  }
}

function takeHere(key: string, { limit, windowMs, cost = 1 }: RateLimitOptions): Taken {
  return loadNative().rateLimitTake(key, limit, windowMs, cost) as Taken;
}

function resultOf(
  limit: number,
  [taken, remaining, resetAfterMs, retryAfterMs]: Taken,
  decidedBy: RateLimitResult['decidedBy'],
): RateLimitResult {
  return {
    allowed: taken === 1,
    limit,
    remaining,
    resetAt: Math.ceil(Date.now() + resetAfterMs),
    retryAfterMs: Math.ceil(retryAfterMs),
    decidedBy,
  };
}

/** What a call would answer, without taking anything: `allowed` tells whether `cost` units are there. */
rateLimit.peek = async (key: string, options: RateLimitOptions): Promise<RateLimitResult> => {
  const { cost = 1 } = options;
  const state = await rateLimit(key, { ...options, cost: 0 });
  checkNumber('cost', cost, 0, options.limit);
  if (!state.allowed || state.remaining >= cost) return state;
  const interval = options.windowMs / options.limit;
  const untilReset = state.resetAt - Date.now();
  const retryAfterMs = Math.max(1, Math.ceil(untilReset + cost * interval - options.windowMs));
  return { ...state, allowed: false, retryAfterMs };
};

/**
 * Gives a key all its units back; whether any had been taken. With `shared` in Redis and in this process; where Redis does not
 * answer it gives back what this process has counted.
 */
rateLimit.reset = async (key: string, sharing: RateLimitSharing = {}): Promise<boolean> => {
  checkKey(key);
  const { timeoutMs } = sharingOf(sharing);
  const wasTakenThere = sharing.shared === true && (await resetShared(key, timeoutMs)) === true;
  return loadNative().rateLimitReset(key) || wasTakenThere;
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

function sharingOf(sharing: RateLimitSharing): Required<RateLimitSharing> {
  const { shared = false, onUnavailable = 'local', timeoutMs = 250 } = sharing;
  checkNumber('timeoutMs', timeoutMs, 1, MAX_TIMEOUT_MS);
  if (!['allow', 'deny', 'local'].includes(onUnavailable)) {
    throw new RangeError(
      `onUnavailable is 'allow', 'deny' or 'local', not ${String(onUnavailable)}.`,
    );
  }
  return { shared, onUnavailable, timeoutMs };
}
