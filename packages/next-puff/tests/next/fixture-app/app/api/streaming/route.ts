import { currentContext } from 'next-puff/next';
import { record } from '@/lib/record';

export async function POST() {
  const signal = currentContext()?.signal;
  signal?.addEventListener('abort', () => record(`stream: ${signal.reason.code}`));
  const body = new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      controller.enqueue(new TextEncoder().encode('more\n'));
    },
  });
  return new Response(body);
}
