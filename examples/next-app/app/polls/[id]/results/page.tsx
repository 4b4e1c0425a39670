import type { Metadata } from 'next';
import Link from 'next/link';
import { notFound } from 'next/navigation';
import { cache } from 'react';
import { formatDate } from '@/components/wording';
import { parseId } from '@/polls/input';
import { forPage } from '@/polls/outage';
import { type Results, readResults } from '@/polls/results';
import { knownVisitor } from '@/polls/visitor';
import { votedChoice } from '@/polls/votes';
import { Chat } from './chat';
import { LiveResults } from './live-results';
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

  return (
    <article className={styles.results}>
      {notice && (
        <p role="status" className="notice">
          {notice}
        </p>
      )}
      <h1>{results.text}</h1>
      <LiveResults
        questionId={results.id}
        results={{
          status: results.status === 'open' ? 'OPEN' : 'CLOSED',
          voteCount: results.voteCount,
          choices: results.choices,
        }}
        mine={mine || undefined}
        date={<ResultsDate results={results} />}
      />

      <div className={styles.links}>
        {results.status === 'open' && (
          <Link className="button" href={`/polls/${results.id}`}>
            {mine ? 'Change my vote' : 'Vote'}
          </Link>
        )}
        <Link href="/">All questions</Link>
      </div>

      <Chat questionId={results.id} />
    </article>
  );
}

function ResultsDate({ results: { closedAt, publishedAt } }: { results: Results }) {
  const date = closedAt ?? publishedAt;
  return (
    <>
      {closedAt ? 'closed' : 'asked'} on{' '}
      <time dateTime={date.toISOString()}>{formatDate(date)}</time>
    </>
  );
}
