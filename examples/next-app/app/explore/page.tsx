import type { Metadata } from 'next';
import { plural } from '@/components/wording';
import { queryData } from '@/graphql/query';
import { forPage } from '@/polls/outage';
import styles from './explore.module.css';
import { EXPLORE, type ExploreData } from './operations';
import { PollList } from './poll-list';

export const metadata: Metadata = { title: 'Explore' };

export default async function ExplorePage({ searchParams }: PageProps<'/explore'>) {
  const query = await searchParams;
  const search = text(query.search);
  const after = text(query.after);
  const { questions } = await forPage(queryData<ExploreData>(EXPLORE, { search, after }));

  return (
    <>
      <div className={styles.intro}>
        <h1>Explore the polls</h1>
        <p className="meta">Find a question, pick an answer, watch the bars move.</p>
        <search>
          <form action="/explore" className={styles.search}>
            <label htmlFor="search" className="visually-hidden">
              Words of the question
            </label>
            <input
              id="search"
              name="search"
              type="search"
              defaultValue={search}
              placeholder="Words of the question"
            />
            <button type="submit" className="button button-small">
              Search
            </button>
          </form>
        </search>
        {search && (
          <p className="meta">
            {plural(questions.totalCount, 'question')} with “{search}”
          </p>
        )}
      </div>

      <PollList key={`${search}/${after}`} search={search} first={questions} />

      <details className={styles.query}>
        <summary>The GraphQL query of this page</summary>
        <p className="meta">
          Run in the process that renders it, and sent to <code>/api/graphql</code> for more: one
          SQL statement for each of its layers.
        </p>
        <pre>
          <code>{EXPLORE}</code>
        </pre>
      </details>
    </>
  );
}

function text(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}
