import type { QuestionStatus } from '@/polls/questions';
import styles from './status-pill.module.css';

export function StatusPill({ status }: { status: QuestionStatus }) {
  return (
    <span className={`${styles.pill} ${styles[status]}`}>
      {status === 'open' ? 'Open' : 'Closed'}
    </span>
  );
}
