export const dynamic = 'force-dynamic';

/** Never answers, so that a server that waits for its requests never ends by itself. */
export function GET() {
  return new Promise(() => {});
}
