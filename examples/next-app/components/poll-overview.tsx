import Link from 'next/link';
import type { ReactNode } from 'react';
import type { QuestionSummary } from '@/polls/questions';
import { PollCard } from './poll-card';
import styles from './poll-overview.module.css';

interface Tab {
  label: string;
  href: string;
  isCurrent: boolean;
  /** Beside the label. */
  count?: string;
}

interface PollOverviewProps {
  tabs: Tab[];
  questions: QuestionSummary[];
  /** What is shown when there are no questions. */
  children: ReactNode;
}

/** The questions of one of several tabs. */
export function PollOverview({ tabs, questions, children }: PollOverviewProps) {
  return (
    <>
      <nav className={styles.tabs} aria-label="Which questions">
        {tabs.map(({ label, href, isCurrent, count }) => (
          <Link key={label} href={href} aria-current={isCurrent ? 'page' : undefined}>
            {label} {count !== undefined && <span>{count}</span>}
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
        <div className={styles.empty}>{children}</div>
      )}
    </>
  );
}
