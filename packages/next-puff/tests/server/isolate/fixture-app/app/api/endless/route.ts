import { log } from '../../../lib/log';

export const dynamic = 'force-dynamic';

/** Streams until its client is gone. */
export function GET() {
  return new Response(
    new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        controller.enqueue(new TextEncoder().encode('more '));
      },
      cancel() {
        log.push('cancelled');
      },
    }),
  );
}
