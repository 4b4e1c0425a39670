// Preloaded into the process of Next.js or Prisma: ends it when the CLI that started it has died, which a child
// does not notice by itself. Otherwise `kill -9` of `next-puff dev` would leave a server without its
// database behind, on a port that the next one needs.
import { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';

/** Names the parent in the environment, so that only the direct child acts on it. */
export const PARENT_VARIABLE = 'NEXT_PUFF_PARENT_PID';
const PIPE = 3;
// How long it gets to end in good order.
const PATIENCE_MS = 5_000;

if (isMainThread && process.env[PARENT_VARIABLE] === String(process.ppid)) {
  new Socket({ fd: PIPE, writable: false })
    .on('error', () => {})
    .on('close', () => {
      process.kill(process.pid, 'SIGTERM');
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), PATIENCE_MS).unref();
    })
    .resume()
    .unref();
}
