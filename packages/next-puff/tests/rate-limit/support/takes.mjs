// Takes one unit after the other in an isolate of its own, and reports how many it got.
import { parentPort, workerData } from 'node:worker_threads';
import { rateLimit } from 'next-puff/rate-limit';

const { key, limit, attempts } = workerData;
let taken = 0;
for (let attempt = 0; attempt < attempts; attempt++) {
  const { allowed } = await rateLimit(key, { limit, windowMs: 24 * 3_600_000 });
  if (allowed) taken++;
}
parentPort.postMessage(taken);
