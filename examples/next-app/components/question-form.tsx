'use client';

import { useActionState, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { type AskState, ask } from '@/polls/actions';
import { CLOSING_HOURS } from '@/polls/closing-hours';
import { CHOICE_LENGTH, MAX_CHOICES, MIN_CHOICES, QUESTION_LENGTH } from '@/polls/input';
import styles from './question-form.module.css';

const FIRST_FIELDS = 4;
const CLOSING_WORDS = { 1: 'after an hour', 24: 'after a day', 168: 'after a week' };
const BLANK: AskState = { text: '', choices: [], closes: '', faults: {} };

/** The form for a new question. Without JavaScript it has a fixed number of choices, and everything else works. */
export function QuestionForm() {
  const [state, submit, isPending] = useActionState(ask, BLANK);
  const [fieldCount, setFieldCount] = useState(Math.max(FIRST_FIELDS, state.choices.length));
  const form = useRef<HTMLFormElement>(null);
  const { faults } = state;

  useEffect(() => {
    if (Object.keys(faults).length > 0)
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [faults]);

  return (
    <form ref={form} action={submit} className={styles.form} noValidate>
      <div role="alert" className={faults.form ? 'notice notice-fault' : undefined}>
        {faults.form}
      </div>

      <div className={styles.field}>
        <label htmlFor="text">Question</label>
        <input
          id="text"
          name="text"
          defaultValue={state.text}
          maxLength={QUESTION_LENGTH}
          required
          autoComplete="off"
          aria-invalid={Boolean(faults.text)}
          aria-describedby="text-fault"
        />
        <p id="text-fault" className={styles.fault}>
          {faults.text}
        </p>
      </div>

      <fieldset className={styles.choices} aria-describedby="choices-hint choices-fault">
        <legend>Choices</legend>
        <p id="choices-hint" className="meta">
          {MIN_CHOICES} to {MAX_CHOICES} of them, in the order they should appear. Fields left empty
          are ignored.
        </p>
        {Array.from({ length: fieldCount }, (_, index) => (
          <input
            // biome-ignore lint/suspicious/noArrayIndexKey: the fields have no identity beyond their place.
            key={index}
            name="choice"
            aria-label={`Choice ${index + 1}`}
            defaultValue={state.choices[index]}
            maxLength={CHOICE_LENGTH}
            autoComplete="off"
            aria-invalid={Boolean(faults.choices)}
          />
        ))}
        <p id="choices-fault" className={styles.fault}>
          {faults.choices}
        </p>
        {useIsHydrated() && fieldCount < MAX_CHOICES && (
          <button
            type="button"
            className="button button-small button-quiet"
            onClick={() => setFieldCount(fieldCount + 1)}
          >
            Add a choice
          </button>
        )}
      </fieldset>

      <div className={styles.field}>
        <label htmlFor="closes">Closes</label>
        <select id="closes" name="closes" defaultValue={state.closes}>
          <option value="">when I close it</option>
          {CLOSING_HOURS.map((hours) => (
            <option key={hours} value={hours}>
              {CLOSING_WORDS[hours]}
            </option>
          ))}
        </select>
      </div>

      <button type="submit" className="button" disabled={isPending}>
        Publish
      </button>
    </form>
  );
}

/** False on the server and until the page is hydrated: a button that needs JavaScript appears with it. */
function useIsHydrated(): boolean {
  return useSyncExternalStore(
    () => () => {},
    () => true,
    () => false,
  );
}
