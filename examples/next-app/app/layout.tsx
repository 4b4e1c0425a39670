import type { Metadata, Viewport } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import './globals.css';
import styles from './layout.module.css';

export const metadata: Metadata = {
  title: { default: 'Polls', template: '%s · Polls' },
  description: 'Ask a question, let everyone vote, watch the answer take shape.',
};

export const viewport: Viewport = {
  colorScheme: 'light dark',
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#f7f4ee' },
    { media: '(prefers-color-scheme: dark)', color: '#15171a' },
  ],
};

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <a className={styles.skip} href="#content">
          Skip to the content
        </a>
        <header className={styles.header}>
          <div className={styles.bar}>
            <Link className={styles.brand} href="/">
              <Mark />
              Polls
            </Link>
            <nav className={styles.links} aria-label="Main">
              <Link href="/popular/all">Popular</Link>
              <Link href="/explore">Explore</Link>
              <Link className="button button-small" href="/polls/new">
                Ask a question
              </Link>
            </nav>
          </div>
        </header>
        <main id="content" className={styles.main} tabIndex={-1}>
          {children}
        </main>
        <footer className={styles.footer}>
          <div className={styles.colophon}>
            <p>
              The example app of <strong>next-puff</strong>: every page here reads PostgreSQL in the
              process that renders it.
            </p>
            <nav aria-label="Data">
              <a href="/api/questions">JSON</a>
              <a href="/api/questions/export">CSV</a>
              <a href="/api/health">Health</a>
              <a href="/tasks">Tasks</a>
              {/* A page for browsers in development only. */}
              {process.env.NODE_ENV === 'development' && <a href="/api/graphql">GraphiQL</a>}
            </nav>
          </div>
        </footer>
      </body>
    </html>
  );
}

function Mark() {
  return (
    <svg aria-hidden="true" viewBox="0 0 32 32" width="30" height="30">
      <rect width="32" height="32" rx="9" fill="var(--accent)" />
      <rect x="7" y="9" width="18" height="4" rx="2" fill="var(--on-accent)" />
      <rect x="7" y="16" width="12" height="4" rx="2" fill="var(--on-accent)" opacity=".8" />
      <rect x="7" y="23" width="6" height="4" rx="2" fill="var(--on-accent)" opacity=".6" />
    </svg>
  );
}
