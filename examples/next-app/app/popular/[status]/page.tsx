import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import styles from '@/app/home.module.css';
import { PollOverview } from '@/components/poll-overview';
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
  const tabs = Object.entries(TABS).map(([path, { label }]) => ({
    label,
    href: `/popular/${path}`,
    isCurrent: path === segment,
  }));

  return (
    <>
      <div className={styles.intro}>
        <h1>What everyone votes on</h1>
        <p className="meta">
          Counted on <time dateTime={countedAt.toISOString()}>{formatTime(countedAt)}</time>; each
          vote counts them anew.
        </p>
      </div>

      <PollOverview tabs={tabs} questions={questions}>
        <p>Nobody has voted yet.</p>
      </PollOverview>
    </>
  );
}
