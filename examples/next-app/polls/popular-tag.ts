/** What every list of popular questions is tagged with. */
export const POPULAR_TAG = 'polls:popular';
