export {
  type RateLimitOptions,
  type RateLimitResult,
  type RateLimitSharing,
  rateLimit,
  rateLimitHeaders,
} from './rate-limit.js';
