/** What a visitor may send, as far as it can be judged without the database. */

export const QUESTION_LENGTH = 200;
export const CHOICE_LENGTH = 100;
export const MIN_CHOICES = 2;
export const MAX_CHOICES = 10;

/** A question as it may be stored: trimmed, within its limits, no choice twice. */
export interface QuestionInput {
  text: string;
  choices: string[];
}

/** What is wrong, by field, in words for the person who typed it. */
export interface QuestionFaults {
  text?: string;
  choices?: string;
}

export type CheckedQuestion =
  | { input: QuestionInput; faults?: never }
  | { input?: never; faults: QuestionFaults };

/** Checks a question from a form or from JSON. Blank choices are left out, not refused. */
export function checkQuestion(text: unknown, choices: unknown): CheckedQuestion {
  const faults: QuestionFaults = {};
  const trimmed = typeof text === 'string' ? tidy(text) : '';
  if (trimmed === '') faults.text = 'Write the question.';
  else if (length(trimmed) > QUESTION_LENGTH)
    faults.text = `Keep the question within ${QUESTION_LENGTH} characters; it has ${length(trimmed)}.`;

  const given: unknown[] = Array.isArray(choices) ? choices : [];
  const kept = given
    .map((choice) => (typeof choice === 'string' ? tidy(choice) : ''))
    .filter(Boolean);
  const long = kept.find((choice) => length(choice) > CHOICE_LENGTH);
  const repeated = kept.find((choice, index) => kept.indexOf(choice) !== index);
  if (given.some((choice) => typeof choice !== 'string'))
    faults.choices = 'Every choice must be a text.';
  else if (kept.length < MIN_CHOICES) faults.choices = `Give at least ${MIN_CHOICES} choices.`;
  else if (kept.length > MAX_CHOICES) faults.choices = `Give at most ${MAX_CHOICES} choices.`;
  else if (long) faults.choices = `Keep each choice within ${CHOICE_LENGTH} characters.`;
  else if (repeated) faults.choices = `“${repeated}” is there twice.`;

  if (faults.text || faults.choices) return { faults };
  return { input: { text: trimmed, choices: kept } };
}

/** What somebody wants to say in a chat: trimmed, within its limits. */
export interface MessageInput {
  author: string;
  text: string;
}

export const AUTHOR_LENGTH = 40;
export const MESSAGE_LENGTH = 500;

/** Checks a message of a chat; a text says what is wrong with it. */
export function checkMessage(message: unknown): MessageInput | string {
  const { author, text } = (message ?? {}) as { author?: unknown; text?: unknown };
  if (typeof author !== 'string' || tidy(author) === '') return 'Say who you are.';
  if (typeof text !== 'string' || tidy(text) === '') return 'Write something.';
  if (length(tidy(author)) > AUTHOR_LENGTH)
    return `Keep your name within ${AUTHOR_LENGTH} characters.`;
  if (length(tidy(text)) > MESSAGE_LENGTH)
    return `Keep what you say within ${MESSAGE_LENGTH} characters.`;
  return { author: tidy(author), text: tidy(text) };
}

/** An id from a URL or a form: a positive PostgreSQL `integer`, or undefined. */
export function parseId(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/^[1-9]\d{0,9}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= 2_147_483_647 ? id : undefined;
}

/** Whether a text has the form of a UUID, which PostgreSQL's `uuid` insists on. */
export function isUuid(text: unknown): text is string {
  return typeof text === 'string' && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text);
}

/** One line without control characters: PostgreSQL refuses U+0000, and the rest would only break the page. */
function tidy(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
}

/** Length as PostgreSQL's `varchar(n)` counts it: in code points. */
function length(text: string): number {
  return [...text].length;
}
