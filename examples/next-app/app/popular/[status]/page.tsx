import type { Metadata } from 'next';
import Link from 'next/link';
import { notFound } from 'next/navigation';
import styles from '@/app/home.module.css';
import { PollCard } from '@/components/poll-card';
import { formatTime } from '@/components/wording';
import { forPage } from '@/polls/outage';
import { popularQuestions } from '@/polls/popular';

export const metadata: Metadata = { title: 'Popular' };

const TABS = {
  all: { label: 'All', status: undefined },
  open: { label: 'Open', status: 'open' },
  closed: { label: 'Closed', status: 'closed' },
} as const;

/** No page is made by the build, which has no database: the first visitor's is kept for the others. */
export function generateStaticParams(): { status: string }[] {
  return [];
}

export default async function PopularPage({ params }: PageProps<'/popular/[status]'>) {
  const { status: segment } = await params;
  if (!Object.hasOwn(TABS, segment)) notFound();
  const tab = TABS[segment as keyof typeof TABS];
  const { questions, countedAt } = await forPage(popularQuestions(tab.status));

  return (
    <>
      <div className={styles.intro}>
        <h1>What everyone votes on</h1>
        <p className="meta">
          Counted on <time dateTime={countedAt.toISOString()}>{formatTime(countedAt)}</time>; each
          vote counts them anew.
        </p>
      </div>

      <nav className={styles.tabs} aria-label="Which questions">
        {Object.entries(TABS).map(([path, { label }]) => (
          <Link
            key={path}
            href={`/popular/${path}`}
            aria-current={path === segment ? 'page' : undefined}
          >
            {label}
          </Link>
        ))}
      </nav>

      {questions.length > 0 ? (
        <ul className={styles.list}>
          {questions.map((question) => (
            <li key={question.id}>
              <PollCard question={question} />
            </li>
          ))}
        </ul>
      ) : (
        <div className={styles.empty}>
          <p>Nobody has voted yet.</p>
        </div>
      )}
    </>
  );
}
