import { cookies, headers } from 'next/headers';
import { NextRequest } from 'next/server';

export const dynamic = 'force-dynamic';

async function handle(request: NextRequest, { params }: { params: Promise<{ rest?: string[] }> }) {
  const { nextUrl } = request;
  return Response.json({
    isNextRequest: request instanceof NextRequest,
    method: request.method,
    url: request.url,
    nextUrl: { ...nextUrl.clone(), href: nextUrl.href, pathname: nextUrl.pathname },
    basePath: nextUrl.basePath,
    search: nextUrl.search,
    params: await params,
    headers: [...request.headers],
    fromHeaders: [...(await headers())].length,
    cookies: request.cookies.getAll(),
    fromCookies: (await cookies()).getAll(),
    hasBody: request.body !== null,
    body: await request.text(),
    isAborted: request.signal.aborted,
  });
}

export { handle as DELETE, handle as GET, handle as PATCH, handle as POST, handle as PUT };
