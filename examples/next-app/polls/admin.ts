import { timingSafeEqual } from 'node:crypto';

/**
 * Whether a request may see the tasks: in development everybody's, in production that of `admin` with the password in
 * `POLLS_ADMIN_PASSWORD`. Without one, nobody's.
 */
export function isAdmin(request: Request): boolean | Response {
  if (process.env.NODE_ENV === 'development') return true;
  const password = process.env.POLLS_ADMIN_PASSWORD;
  if (!password) return false;
  const wanted = Buffer.from(`Basic ${Buffer.from(`admin:${password}`).toString('base64')}`);
  const given = Buffer.from(request.headers.get('authorization') ?? '');
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return true;
  return new Response('Log in as admin.', {
    status: 401,
    headers: { 'www-authenticate': 'Basic realm="Polls", charset="UTF-8"' },
  });
}
