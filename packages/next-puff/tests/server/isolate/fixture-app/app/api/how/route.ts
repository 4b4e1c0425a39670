export const dynamic = 'force-dynamic';

/** Whether Next.js' router was on the way here. */
export function GET() {
  Error.stackTraceLimit = 100;
  const { stack = '' } = new Error();
  return Response.json({ isDirect: /direct-call\.js/.test(stack) });
}
