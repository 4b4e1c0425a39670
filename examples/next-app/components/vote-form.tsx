'use client';

import Link from 'next/link';
import { useActionState } from 'react';
import { vote } from '@/polls/actions';
import styles from './vote-form.module.css';

interface VoteFormProps {
  questionId: number;
  choices: { id: number; text: string }[];
  /** The choice this visitor voted for before. */
  chosen: number | undefined;
}

/** The ballot. Without JavaScript it is an ordinary form: the browser posts it and follows the redirect. */
export function VoteForm({ questionId, choices, chosen }: VoteFormProps) {
  const [state, submit, isPending] = useActionState(vote, {});
  return (
    <form action={submit} className={styles.form}>
      <input type="hidden" name="question" value={questionId} />
      <fieldset className={styles.choices} aria-describedby={state.fault && 'vote-fault'}>
        <legend className="visually-hidden">Your answer</legend>
        {choices.map((choice) => (
          <label key={choice.id} className={styles.choice}>
            <input
              type="radio"
              name="choice"
              value={choice.id}
              defaultChecked={choice.id === chosen}
              required
            />
            <span>{choice.text}</span>
          </label>
        ))}
      </fieldset>
      <p id="vote-fault" role="alert" className={state.fault ? 'notice notice-fault' : undefined}>
        {state.fault}
      </p>
      <div className={styles.buttons}>
        <button type="submit" className="button" disabled={isPending}>
          {chosen ? 'Change my vote' : 'Vote'}
        </button>
        <Link href={`/polls/${questionId}/results`}>See the results</Link>
      </div>
    </form>
  );
}
