import type { Metadata } from 'next';
import { QuestionForm } from '@/components/question-form';
import styles from './new.module.css';

export const metadata: Metadata = { title: 'Ask a question' };

export default function NewQuestionPage() {
  return (
    <div className={styles.page}>
      <header className={styles.heading}>
        <h1>Ask a question</h1>
        <p className="meta">Everyone can vote once, and change their mind until you close it.</p>
      </header>
      <QuestionForm />
    </div>
  );
}
