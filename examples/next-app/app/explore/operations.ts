/** What the page asks, on the server for its first polls and in the browser for the rest. */

const POLL = /* GraphQL */ `
fragment Poll on Question {
  id
  text
  status
  url
  voteCount
  myChoice { id }
  choices { id text votes share }
}`;

export const EXPLORE = /* GraphQL */ `query Explore($search: String, $after: String) {
  questions(first: 6, after: $after, search: $search) {
    totalCount
    nodes { ...Poll }
    pageInfo { endCursor hasNextPage }
  }
}
${POLL}`;

export const VOTE = /* GraphQL */ `mutation Vote($questionId: Int!, $choiceId: Int!) {
  vote(questionId: $questionId, choiceId: $choiceId) {
    question { ...Poll }
  }
}
${POLL}`;

export interface Poll {
  id: number;
  text: string;
  status: 'OPEN' | 'CLOSED';
  url: string;
  voteCount: number;
  myChoice: { id: number } | null;
  choices: { id: number; text: string; votes: number; share: number }[];
}

export interface PollPage {
  totalCount: number;
  nodes: Poll[];
  pageInfo: { endCursor: string | null; hasNextPage: boolean };
}

export interface ExploreData {
  questions: PollPage;
}

export interface VoteData {
  vote: { question: Poll };
}

/** The address of a page of polls; without JavaScript, “more” leads there. */
export function exploreUrl(search: string | undefined, after: string | null): string {
  const query = new URLSearchParams();
  if (search) query.set('search', search);
  if (after) query.set('after', after);
  return query.size > 0 ? `/explore?${query}` : '/explore';
}
