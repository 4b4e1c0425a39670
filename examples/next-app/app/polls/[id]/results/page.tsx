import type { Metadata } from 'next';
import Link from 'next/link';
import { notFound } from 'next/navigation';
import { cache } from 'react';
import { StatusPill } from '@/components/status-pill';
import { formatDate, formatPercent, plural } from '@/components/wording';
import { parseId } from '@/polls/input';
import { forPage } from '@/polls/outage';
import { readResults } from '@/polls/results';
import { knownVisitor } from '@/polls/visitor';
import { votedChoice } from '@/polls/votes';
import styles from './results.module.css';

const resultsFor = cache(async (segment: string) => {
  const id = parseId(segment);
  const results = id && (await forPage(readResults(id)));
  return results || notFound();
});

const NOTICES: Record<string, string> = {
  counted: 'Thank you, your vote is counted.',
  changed: 'Your vote is changed.',
};

export async function generateMetadata({
  params,
}: PageProps<'/polls/[id]/results'>): Promise<Metadata> {
  return { title: `Results: ${(await resultsFor((await params).id)).text}` };
}

export default async function ResultsPage({
  params,
  searchParams,
}: PageProps<'/polls/[id]/results'>) {
  const [{ id: segment }, { vote }] = await Promise.all([params, searchParams]);
  const [results, visitorId] = await Promise.all([resultsFor(segment), knownVisitor()]);
  const mine = visitorId && (await forPage(votedChoice(results.id, visitorId)));
  const notice = typeof vote === 'string' ? NOTICES[vote] : undefined;
  const mostVotes = results.choices[0]?.votes ?? 0;

  return (
    <article className={styles.results}>
      {notice && (
        <p role="status" className="notice">
          {notice}
        </p>
      )}
      <header className={styles.heading}>
        <div className={styles.facts}>
          <StatusPill status={results.status} />
          <p className="meta">
            {plural(results.voteCount, 'vote')}
            {' · '}
            {results.closedAt ? (
              <>
                closed on{' '}
                <time dateTime={results.closedAt.toISOString()}>
                  {formatDate(results.closedAt)}
                </time>
              </>
            ) : (
              <>
                asked on{' '}
                <time dateTime={results.publishedAt.toISOString()}>
                  {formatDate(results.publishedAt)}
                </time>
              </>
            )}
          </p>
        </div>
        <h1>{results.text}</h1>
      </header>

      <ol className={styles.choices} aria-label="Answers, most votes first">
        {results.choices.map((choice) => (
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

      <div className={styles.links}>
        {results.status === 'open' && (
          <Link className="button" href={`/polls/${results.id}`}>
            {mine ? 'Change my vote' : 'Vote'}
          </Link>
        )}
        <Link href="/">All questions</Link>
      </div>
    </article>
  );
}
