export {
  type RateLimitOptions,
  type RateLimitResult,
  rateLimit,
  rateLimitHeaders,
} from './rate-limit.js';
