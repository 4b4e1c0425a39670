import type { ReactNode } from 'react';
import styles from './message-page.module.css';

/** A page that says one thing: what happened, and what to do now. */
export function MessagePage({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles.message}>
      <h1>{title}</h1>
      {children}
    </section>
  );
}
