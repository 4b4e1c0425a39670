import { route } from 'next-puff/next';
import { record } from '@/lib/record';

export const GET = route({ deadlineMs: 200 }, async (request) => {
  record(`stuck: ${request.method}`);
  await new Promise((resolve) => setTimeout(resolve, 500));
  throw new Error('too late to matter');
});

export const POST = route({ deadlineMs: 200 }, () => new Promise<Response>(() => {}));
