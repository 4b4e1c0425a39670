import { cookies } from 'next/headers';
import { NextResponse } from 'next/server';

export const dynamic = 'force-dynamic';

const HEADS: Record<string, () => Response | Promise<Response>> = {
  many: () =>
    new Response('many', {
      status: 203,
      statusText: 'Really Fine',
      headers: [
        ['Set-Cookie', 'a=1; Expires=Wed, 21 Oct 2065 07:28:00 GMT'],
        ['Set-Cookie', 'b=2'],
        ['Vary', 'Accept'],
        ['X-Own', 'one'],
        ['X-Own', 'two'],
        ['X-Latin', 'caf\xe9'],
        ['Content-Encoding', 'identity'],
        ['Content-Length', '4'],
        ['Connection', 'keep-alive'],
        ['X-Middleware-Set-Cookie', 'c=3'],
      ],
    }),
  latin: () => new Response(null, { headers: { 'X-Latin': 'caf\xe9' } }),
  none: () => new Response(null, { status: 204, headers: { 'X-A': 'a' } }),
  unchanged: () => new Response(null, { status: 304, headers: { ETag: '"x"' } }),
  teapot: () => new Response('short and stout', { status: 418 }),
  odd: () => new Response('odd', { status: 299 }),
  cookies: async () => {
    const jar = await cookies();
    jar.set('set', 'by cookies()', { httpOnly: true }).delete('gone');
    const response = NextResponse.json({ ok: true });
    response.cookies.set('own', 'x');
    return response;
  },
  redirect: () => NextResponse.redirect('https://example.com/there', 307),
  error: () => Response.error(),
};

export function GET(request: Request) {
  const kind = new URL(request.url).searchParams.get('kind') ?? '';
  return HEADS[kind]?.() ?? new Response('unknown');
}
