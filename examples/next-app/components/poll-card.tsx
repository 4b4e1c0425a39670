import Link from 'next/link';
import type { QuestionSummary } from '@/polls/questions';
import styles from './poll-card.module.css';
import { StatusPill } from './status-pill';
import { formatDate, formatPercent, plural } from './wording';

/** A question in the list: leads to its voting form while it is open, to its results afterwards. */
export function PollCard({ question }: { question: QuestionSummary }) {
  const isOpen = question.status === 'open';
  const share = question.voteCount > 0 ? question.leaderVotes / question.voteCount : 0;
  return (
    <article className={styles.card}>
      <div className={styles.top}>
        <StatusPill status={question.status} />
        <time className="meta" dateTime={question.publishedAt.toISOString()}>
          {formatDate(question.publishedAt)}
        </time>
      </div>
      <h2>
        {/* Not fetched ahead: a page of cards would ask the database for every poll on it. */}
        <Link
          href={isOpen ? `/polls/${question.id}` : `/polls/${question.id}/results`}
          prefetch={false}
        >
          {question.text}
        </Link>
      </h2>
      <div className={styles.standing}>
        <p className={styles.leader}>
          {question.leader ? (
            <>
              <span className="visually-hidden">{isOpen ? 'In the lead: ' : 'Won: '}</span>
              <strong>{question.leader}</strong> {formatPercent(share)}
            </>
          ) : (
            'No votes yet'
          )}
        </p>
        <div className={styles.track} aria-hidden="true">
          <div style={{ inlineSize: `${share * 100}%` }} />
        </div>
        <p className="meta">
          {plural(question.voteCount, 'vote')} · {plural(question.choiceCount, 'choice')}
        </p>
      </div>
    </article>
  );
}
