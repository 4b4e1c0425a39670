/**
 * A `GET` for routes that take nothing but WebSockets: 426, as RFC 9110 has it (section 15.5.22).
 *
 * Next.js' types want a route file to export a method.
 *
 * @example
 * export { upgradeRequired as GET } from 'next-puff/websocket';
 */
export function upgradeRequired(): Response {
  return new Response('This is for WebSockets.\n', {
    status: 426,
    headers: { connection: 'Upgrade', upgrade: 'websocket' },
  });
}
