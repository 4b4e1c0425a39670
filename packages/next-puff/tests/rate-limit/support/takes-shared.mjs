// Takes one unit after the other in a process of its own, and writes how many it got.

import { rateLimit } from 'next-puff/rate-limit';
import { redis } from 'next-puff/redis';

const { key, limit, attempts } = JSON.parse(process.argv[2]);
let taken = 0;
for (let attempt = 0; attempt < attempts; attempt++) {
  const { allowed, decidedBy } = await rateLimit(key, {
    limit,
    windowMs: 24 * 3_600_000,
    shared: true,
    timeoutMs: 60_000,
  });
  if (decidedBy !== 'redis') throw new Error(`decided by ${decidedBy}`);
  if (allowed) taken++;
}
console.log(taken);
await redis.end();
