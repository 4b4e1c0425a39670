'use client';

import { type MouseEvent, useState, useTransition } from 'react';
import { postGraphQL } from '@/graphql/post';
import styles from './explore.module.css';
import { EXPLORE, type ExploreData, exploreUrl, type PollPage } from './operations';
import { PollResults } from './poll-results';

interface PollListProps {
  search: string | undefined;
  /** The polls that the server rendered. */
  first: PollPage;
}

/** The polls, and more of them on request: from the API, or without JavaScript as the next page. */
export function PollList({ search, first }: PollListProps) {
  const [polls, setPolls] = useState(first.nodes);
  const [{ endCursor, hasNextPage }, setPageInfo] = useState(first.pageInfo);
  const [fault, setFault] = useState<string>();
  const [isPending, startTransition] = useTransition();

  function more(event: MouseEvent) {
    event.preventDefault();
    if (isPending) return;
    startTransition(async () => {
      try {
        const variables = { search, after: endCursor };
        const { questions } = await postGraphQL<ExploreData>(EXPLORE, variables);
        setFault(undefined);
        setPolls((shown) => [...shown, ...questions.nodes]);
        setPageInfo(questions.pageInfo);
      } catch {
        setFault('The next questions cannot be reached at the moment. Please try again shortly.');
      }
    });
  }

  if (polls.length === 0) return <p className={styles.empty}>No question has these words.</p>;
  return (
    <>
      <ul className={styles.list}>
        {polls.map((poll) => (
          <li key={poll.id}>
            <PollResults poll={poll} />
          </li>
        ))}
      </ul>
      <p role="alert" className={fault && 'notice notice-fault'}>
        {fault}
      </p>
      {hasNextPage && (
        <a
          className={`button button-quiet ${styles.more}`}
          href={exploreUrl(search, endCursor)}
          onClick={more}
          aria-disabled={isPending}
        >
          {isPending ? 'One moment …' : 'More questions'}
        </a>
      )}
    </>
  );
}
