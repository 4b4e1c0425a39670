'use client';

import { createClient } from 'graphql-ws';
import { useEffect, useState } from 'react';
import { StatusPill } from '@/components/status-pill';
import { formatPercent, plural } from '@/components/wording';
import styles from './results.module.css';

/** What is shown, and what a subscription gives anew with each vote. */
export interface ShownResults {
  status: 'OPEN' | 'CLOSED';
  voteCount: number;
  choices: { id: number; text: string; votes: number; share: number }[];
}

interface LiveResultsProps {
  questionId: number;
  /** As the page was rendered. */
  results: ShownResults;
  /** What this visitor voted for. */
  mine: number | undefined;
  /** When it was asked or closed. */
  date: React.ReactNode;
}

const SUBSCRIPTION = /* GraphQL */ `
  subscription ($questionId: Int!) {
    results(questionId: $questionId) {
      status
      voteCount
      choices {
        id
        text
        votes
        share
      }
    }
  }
`;

/** The results, which follow the votes of others while the page is open. */
export function LiveResults({ questionId, results: rendered, mine, date }: LiveResultsProps) {
  const [results, setResults] = useState(rendered);
  const [isLive, setIsLive] = useState(false);

  // A visitor who has voted comes back to a page that was rendered anew.
  useEffect(() => setResults(rendered), [rendered]);

  useEffect(() => {
    if (rendered.status === 'CLOSED') return;
    const client = createClient({
      url: () => `${window.location.origin.replace(/^http/, 'ws')}/api/graphql`,
      retryAttempts: Number.POSITIVE_INFINITY,
      on: { connected: () => setIsLive(true), closed: () => setIsLive(false) },
    });
    client.subscribe<{ results: ShownResults }>(
      { query: SUBSCRIPTION, variables: { questionId } },
      {
        next: ({ data }) => {
          if (data) setResults(data.results);
        },
        error: () => setIsLive(false),
        complete: () => setIsLive(false),
      },
    );
    return () => void client.dispose();
  }, [questionId, rendered.status]);

  const choices = results.choices.toSorted((a, b) => b.votes - a.votes);
  const mostVotes = choices[0]?.votes ?? 0;
  return (
    <>
      <div className={styles.facts}>
        <StatusPill status={results.status === 'OPEN' ? 'open' : 'closed'} />
        <p className="meta">
          {plural(results.voteCount, 'vote')}
          {' · '}
          {date}
        </p>
        {isLive && results.status === 'OPEN' && <span className={styles.live}>Live</span>}
      </div>
      <ol className={styles.choices} aria-label="Answers, most votes first">
        {choices.map((choice) => (
          <li
            key={choice.id}
            className={choice.votes > 0 && choice.votes === mostVotes ? styles.leading : undefined}
          >
            <div className={styles.label}>
              <span className={styles.text}>
                {choice.text}
                {choice.id === mine && <span className={styles.mine}>Your vote</span>}
              </span>
              <span className={styles.count}>{plural(choice.votes, 'vote')}</span>
              <strong className={styles.share}>{formatPercent(choice.share)}</strong>
            </div>
            <div className={styles.track} aria-hidden="true">
              <div style={{ inlineSize: `${choice.share * 100}%` }} />
            </div>
          </li>
        ))}
      </ol>
    </>
  );
}
