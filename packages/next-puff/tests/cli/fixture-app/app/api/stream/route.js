import { setTimeout as sleep } from 'node:timers/promises';

export const dynamic = 'force-dynamic';

/** Says a word every 100 ms, `?words=10` of them. */
export function GET(request) {
  const words = Number(new URL(request.url).searchParams.get('words'));
  return new Response(
    new ReadableStream({
      async start(controller) {
        for (let word = 1; word <= words; word++) {
          await sleep(100);
          controller.enqueue(new TextEncoder().encode(`word ${word}\n`));
        }
        controller.close();
      },
    }),
  );
}
