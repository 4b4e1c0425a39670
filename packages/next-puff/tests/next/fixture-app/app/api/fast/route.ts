import { after } from 'next/server';
import { currentContext } from 'next-puff/next';
import { record } from '@/lib/record';

export async function POST() {
  const context = currentContext();
  after(async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    record(`after: aborted ${context?.signal.aborted}, active ${context?.isActive}`);
  });
  return Response.json('fast');
}
