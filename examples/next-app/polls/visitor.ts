import { randomUUID } from 'node:crypto';
import { cookies } from 'next/headers';
import { isUuid } from './input';

const COOKIE = 'polls_visitor';
const ONE_YEAR_SECONDS = 365 * 24 * 60 * 60;

/** Who is visiting, if this browser voted or asked before. */
export async function knownVisitor(): Promise<string | undefined> {
  const value = (await cookies()).get(COOKIE)?.value;
  return isUuid(value) ? value : undefined;
}

/** Who sends a request with these headers, where Next.js has not seen the request: for WebSockets. */
export function visitorOf(headers: Headers): string | undefined {
  const cookies = headers.get('cookie')?.split('; ') ?? [];
  const value = cookies.find((cookie) => cookie.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
  return isUuid(value) ? value : undefined;
}

/** Who is visiting; gives the browser an id when it has none. For actions and route handlers: a page cannot set cookies. */
export async function visitor(): Promise<string> {
  const known = await knownVisitor();
  if (known) return known;
  const id = randomUUID();
  (await cookies()).set(COOKIE, id, {
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    maxAge: ONE_YEAR_SECONDS,
  });
  return id;
}
