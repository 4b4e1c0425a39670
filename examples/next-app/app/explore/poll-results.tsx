'use client';

import Link from 'next/link';
import { type FormEvent, useActionState, useState, useTransition } from 'react';
import { StatusPill } from '@/components/status-pill';
import { formatPercent, plural } from '@/components/wording';
import { postGraphQL } from '@/graphql/post';
import { vote } from '@/polls/actions';
import { type Poll, VOTE, type VoteData } from './operations';
import styles from './poll-results.module.css';

/**
 * A question with its results; while it is open, each answer is a button that votes for it.
 *
 * The browser sends a mutation and shows the question that comes back. Without JavaScript the form posts the
 * same vote and leads to the results page.
 */
export function PollResults({ poll: rendered }: { poll: Poll }) {
  const [poll, setPoll] = useState(rendered);
  const [notice, setNotice] = useState<string>();
  const [fault, setFault] = useState<string>();
  const [posted, submit] = useActionState(vote, {});
  const [isPending, startTransition] = useTransition();
  const isOpen = poll.status === 'OPEN';

  function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const button = (event.nativeEvent as SubmitEvent).submitter as HTMLButtonElement;
    startTransition(async () => {
      try {
        const variables = { questionId: poll.id, choiceId: Number(button.value) };
        const { vote } = await postGraphQL<VoteData>(VOTE, variables);
        setPoll(vote.question);
        setFault(undefined);
        setNotice('Your vote is counted.');
      } catch (error) {
        setNotice(undefined);
        setFault(`Your vote was not counted. ${(error as Error).message}`);
      }
    });
  }

  const choices = poll.choices.map((choice) => {
    const isMine = choice.id === poll.myChoice?.id;
    const shown = (
      <>
        <span className={styles.label}>
          <span className={styles.text}>
            {choice.text}
            {isMine && <span className={styles.mine}>Your vote</span>}
          </span>
          <span className={styles.count}>{plural(choice.votes, 'vote')}</span>
          <strong>{formatPercent(choice.share)}</strong>
        </span>
        <span className={styles.track} aria-hidden="true">
          <span style={{ inlineSize: `${choice.share * 100}%` }} />
        </span>
      </>
    );
    return (
      <li key={choice.id}>
        {isOpen ? (
          <button
            type="submit"
            name="choice"
            value={choice.id}
            className={styles.choice}
            aria-pressed={isMine}
            disabled={isPending}
          >
            {shown}
          </button>
        ) : (
          <div className={styles.choice}>{shown}</div>
        )}
      </li>
    );
  });

  return (
    <article className={styles.poll}>
      <div className={styles.top}>
        <StatusPill status={isOpen ? 'open' : 'closed'} />
        <p className="meta">{plural(poll.voteCount, 'vote')}</p>
      </div>
      <h2>
        <Link href={poll.url} prefetch={false}>
          {poll.text}
        </Link>
      </h2>
      <form action={submit} onSubmit={send}>
        <input type="hidden" name="question" value={poll.id} />
        <ul className={styles.choices} aria-label={isOpen ? 'Vote for' : 'Results'}>
          {choices}
        </ul>
      </form>
      <p role="status" className="visually-hidden">
        {notice}
      </p>
      <p role="alert" className={(fault ?? posted.fault) && 'notice notice-fault'}>
        {fault ?? posted.fault}
      </p>
    </article>
  );
}
