import { after } from 'next/server';
import { pubsub } from 'next-puff/pubsub';

/** The channel on which a question's new votes, and its end, are announced. */
export function resultsChannel(questionId: number): string {
  return `polls:results:${questionId}`;
}

/**
 * Tells everybody who watches a question's results that there are new ones, once the request is answered:
 * whatever it changed is committed by then.
 */
export function announceResults(questionId: number): void {
  after(() => publishResults(questionId));
}

/** As {@link announceResults}, at once and outside of requests: in tasks. */
export function publishResults(questionId: number): void {
  pubsub.publish(resultsChannel(questionId), { questionId });
}
