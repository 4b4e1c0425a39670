import type { RedisConnection } from '../../../dist/redis/connection.js';

/** What clients have seen that send one command after the other. */
export interface Load {
  /** Of the errors so far. */
  readonly codes: ReadonlySet<string>;
  /** The longest that a command has taken. */
  readonly longestMs: number;
  /** Resolves when the last command of each client has ended. */
  stop(): Promise<void>;
}

/** Increments a number from many clients at once, until it is stopped; an error makes a client wait a little. */
export function loadWith(clients: number, connection: RedisConnection): Load {
  let isOver = false;
  let longestMs = 0;
  const codes = new Set<string>();
  const loops = Array.from({ length: clients }, async () => {
    while (!isOver) {
      const begun = Date.now();
      await connection.command(['INCR', 'n']).catch(async ({ code }) => {
        codes.add(code);
        await new Promise((resolve) => setTimeout(resolve, 5));
      });
      longestMs = Math.max(longestMs, Date.now() - begun);
    }
  });
  return {
    codes,
    get longestMs() {
      return longestMs;
    },
    async stop() {
      isOver = true;
      await Promise.all(loops);
    },
  };
}
