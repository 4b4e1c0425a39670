import type { Metadata } from 'next';
import Link from 'next/link';
import { notFound, redirect } from 'next/navigation';
import { cache } from 'react';
import { StatusPill } from '@/components/status-pill';
import { VoteForm } from '@/components/vote-form';
import { formatDate, formatTime, plural } from '@/components/wording';
import { parseId } from '@/polls/input';
import { announceResults } from '@/polls/live';
import { forPage } from '@/polls/outage';
import { closeQuestion, findQuestion, isAuthor } from '@/polls/questions';
import { knownVisitor } from '@/polls/visitor';
import { votedChoice } from '@/polls/votes';
import styles from './poll.module.css';

// The title and the page ask for the same question in one request.
const questionFor = cache(async (segment: string) => {
  const id = parseId(segment);
  const question = id && (await forPage(findQuestion(id)));
  return question || notFound();
});

export async function generateMetadata({ params }: PageProps<'/polls/[id]'>): Promise<Metadata> {
  return { title: (await questionFor((await params).id)).text };
}

export default async function PollPage({ params }: PageProps<'/polls/[id]'>) {
  const { id: segment } = await params;
  const [question, visitorId] = await Promise.all([questionFor(segment), knownVisitor()]);
  const { id } = question;
  const [chosen, isMine] = visitorId
    ? await forPage(Promise.all([votedChoice(id, visitorId), isAuthor(id, visitorId)]))
    : [undefined, false];
  const voteCount = question.choices.reduce((sum, choice) => sum + choice.votes, 0);

  async function close() {
    'use server';
    // Who asks is read again: what the page knew when it was rendered proves nothing about who sends this.
    const author = await knownVisitor();
    if (author && (await closeQuestion(id, author))) announceResults(id);
    redirect(`/polls/${id}/results`);
  }

  return (
    <article className={styles.poll}>
      <header className={styles.heading}>
        <div className={styles.facts}>
          <StatusPill status={question.status} />
          <p className="meta">
            Asked on{' '}
            <time dateTime={question.publishedAt.toISOString()}>
              {formatDate(question.publishedAt)}
            </time>
            {' · '}
            {plural(voteCount, 'vote')}
            {question.status === 'open' && question.closesAt && (
              <>
                {' · closes on '}
                <time dateTime={question.closesAt.toISOString()}>
                  {formatTime(question.closesAt)}
                </time>
              </>
            )}
          </p>
        </div>
        <h1 id="question">{question.text}</h1>
      </header>

      {question.status === 'open' ? (
        <VoteForm
          questionId={id}
          choices={question.choices.map(({ id, text }) => ({ id, text }))}
          chosen={chosen}
        />
      ) : (
        <div className={styles.closed}>
          <p className="notice">This poll is closed. Votes are no longer counted.</p>
          <Link className="button" href={`/polls/${id}/results`}>
            See the results
          </Link>
        </div>
      )}

      {isMine && question.status === 'open' && (
        <form action={close} className={styles.author}>
          <p>You asked this question. Closing it ends the vote for good.</p>
          <button type="submit" className="button button-small button-quiet">
            Close this poll
          </button>
        </form>
      )}
    </article>
  );
}
