import { answersSockets } from './answer-sockets.js';

/** Next.js builds and prerenders without any server. */
const BUILD = 'phase-production-build';

const KEY = Symbol.for('next-puff.has-warned-of-sockets');
const globals = globalThis as { [KEY]?: boolean };

/**
 * Passes on what a route file exports as `UPGRADE`; the build calls it. Says once when no server is there
 * that would ever call it.
 *
 * @param name names the route in messages, for example `UPGRADE /api/chat`
 */
export function puffUpgrade<Handler>(name: string, handler: Handler): Handler {
  if (answersSockets() || globals[KEY] || process.env.NEXT_PHASE === BUILD) return handler;
  globals[KEY] = true;
  console.warn(
    `next-puff: ${name} takes WebSockets, which this server does not give to routes. Start the app with \`next-puff start\` or \`next-puff dev\`.`,
  );
  return handler;
}
