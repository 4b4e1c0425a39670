import Link from 'next/link';
import { notFound } from 'next/navigation';
import { PollOverview } from '@/components/poll-overview';
import { formatCount, plural } from '@/components/wording';
import { parseId } from '@/polls/input';
import { forPage } from '@/polls/outage';
import { listQuestions, PAGE_SIZE, type QuestionStatus, tallyQuestions } from '@/polls/questions';
import styles from './home.module.css';

const TABS = [
  { label: 'All', status: undefined },
  { label: 'Open', status: 'open' },
  { label: 'Closed', status: 'closed' },
] as const;

export default async function HomePage({ searchParams }: PageProps<'/'>) {
  const query = await searchParams;
  const status = query.status === 'open' || query.status === 'closed' ? query.status : undefined;
  const page = parseId(query.page ?? '1');
  if (!page) notFound();

  const [tally, questions] = await forPage(
    Promise.all([tallyQuestions(), listQuestions({ status, page })]),
  );
  const pageCount = Math.max(1, Math.ceil(tally[status ?? 'all'] / PAGE_SIZE));
  if (page > pageCount) notFound();
  const tabs = TABS.map((tab) => ({
    label: tab.label,
    href: address(tab.status, 1),
    isCurrent: tab.status === status,
    count: formatCount(tally[tab.status ?? 'all']),
  }));

  return (
    <>
      <div className={styles.intro}>
        <h1>What does everyone think?</h1>
        <p className="meta">
          {plural(tally.all, 'question')}, {formatCount(tally.open)} of them open. Pick one and have
          your say.
        </p>
      </div>

      <PollOverview tabs={tabs} questions={questions}>
        <p>Nothing here yet.</p>
        <Link className="button" href="/polls/new">
          Ask the first question
        </Link>
      </PollOverview>

      {pageCount > 1 && (
        <nav className={styles.pages} aria-label="Pages">
          {page > 1 ? (
            <Link
              className="button button-small button-quiet"
              rel="prev"
              href={address(status, page - 1)}
            >
              Newer
            </Link>
          ) : (
            <span />
          )}
          <span className="meta">
            Page {page} of {pageCount}
          </span>
          {page < pageCount ? (
            <Link
              className="button button-small button-quiet"
              rel="next"
              href={address(status, page + 1)}
            >
              Older
            </Link>
          ) : (
            <span />
          )}
        </nav>
      )}
    </>
  );
}

function address(status: QuestionStatus | undefined, page: number): string {
  const query = new URLSearchParams();
  if (status) query.set('status', status);
  if (page > 1) query.set('page', String(page));
  return query.size > 0 ? `/?${query}` : '/';
}
