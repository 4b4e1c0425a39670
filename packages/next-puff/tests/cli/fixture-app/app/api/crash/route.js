export const dynamic = 'force-dynamic';

/** Ends the server with an exit code that nothing else uses. */
export function GET() {
  setImmediate(() => process.exit(7));
  return new Response('crashing');
}
