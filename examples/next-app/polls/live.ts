import { revalidateTag } from 'next/cache';
import { after } from 'next/server';
import { cache } from 'next-puff/cache';
import { pubsub } from 'next-puff/pubsub';
import { POPULAR_TAG } from './popular-tag';

/** The channel on which a question's new votes, and its end, are announced. */
export function resultsChannel(questionId: number): string {
  return `polls:results:${questionId}`;
}

/**
 * Tells everybody who watches a question's results that there are new ones, and takes away the cached pages that show them, once
 * the request is answered: whatever it changed is committed by then.
 */
export function announceResults(questionId: number): void {
  after(() => {
    revalidateTag(POPULAR_TAG, { expire: 0 });
    pubsub.publish(resultsChannel(questionId), { questionId });
  });
}

/** As {@link announceResults}, at once and outside of requests, where Next.js revalidates nothing: in tasks. */
export async function publishResults(questionId: number): Promise<void> {
  await cache.revalidateTag(POPULAR_TAG);
  pubsub.publish(resultsChannel(questionId), { questionId });
}
