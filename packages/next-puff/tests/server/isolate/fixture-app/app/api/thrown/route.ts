import { notFound, permanentRedirect, redirect } from 'next/navigation';
import { NextResponse } from 'next/server';

export const dynamic = 'force-dynamic';

const THROWN: Record<string, () => unknown> = {
  error: () => {
    throw new Error('thrown at once');
  },
  rejection: async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    throw new Error('thrown later');
  },
  text: () => {
    throw 'a text';
  },
  nothing: () => undefined,
  object: () => ({ not: 'a response' }),
  redirect: () => redirect('/elsewhere'),
  permanent: () => permanentRedirect('/for-good'),
  missing: () => notFound(),
  rewrite: () => NextResponse.rewrite(new URL('http://n/elsewhere')),
  next: () => NextResponse.next(),
  'in the stream': () =>
    new Response(
      new ReadableStream({
        async pull(controller) {
          controller.enqueue(new TextEncoder().encode('begin'));
          await new Promise((resolve) => setTimeout(resolve, 20));
          controller.error(new Error('thrown in the stream'));
        },
      }),
    ),
};

export function GET(request: Request) {
  return THROWN[new URL(request.url).searchParams.get('kind') ?? '']?.() as Response;
}
