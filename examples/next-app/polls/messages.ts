import { postgres } from 'next-puff/postgres';
import type { MessageInput } from './input';

/** A message of a chat. */
export interface Message extends MessageInput {
  id: number;
  /** In ISO 8601. */
  writtenAt: string;
}

/** What the server says in a chat; browsers say a {@link MessageInput}. */
export type ChatEvent =
  /** What was said last, oldest first; sent once, when a browser joins. */
  | { type: 'history'; messages: Message[] }
  | { type: 'message'; message: Message }
  /** What the browser said was not taken. */
  | { type: 'refusal'; reason: string };

const HISTORY_LENGTH = 50;

/** The channel of a question's chat: its messages are {@link ChatEvent}s. */
export function chatChannel(questionId: number): string {
  return `polls:chat:${questionId}`;
}

/** The last messages of a question's chat, oldest first. */
export async function lastMessages(questionId: number): Promise<Message[]> {
  const messages = await postgres<Message & { writtenAt: Date }>`
    select id, author, text, written_at as "writtenAt" from messages
    where question_id = ${questionId} order by id desc limit ${HISTORY_LENGTH}`;
  return messages.map(toMessage).reverse();
}

/** Keeps a message; undefined when there is no such question. */
export async function addMessage(
  questionId: number,
  { author, text }: MessageInput,
): Promise<Message | undefined> {
  const [message] = await postgres<Message & { writtenAt: Date }>`
    insert into messages (question_id, author, text)
    select id, ${author}, ${text} from questions where id = ${questionId}
    returning id, author, text, written_at as "writtenAt"`;
  return message && toMessage(message);
}

function toMessage({ writtenAt, ...message }: Message & { writtenAt: Date }): Message {
  return { ...message, writtenAt: writtenAt.toISOString() };
}
