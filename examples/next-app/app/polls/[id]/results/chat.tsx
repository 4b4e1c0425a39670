'use client';

import { type FormEvent, useEffect, useRef, useState } from 'react';
import { AUTHOR_LENGTH, MESSAGE_LENGTH } from '@/polls/input';
import type { ChatEvent, Message } from '@/polls/messages';
import styles from './chat.module.css';

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

/** What visitors say about a question, over a WebSocket. */
export function Chat({ questionId }: { questionId: number }) {
  const { messages, refusal, isOpen, send } = useChat(questionId);
  const [author, setAuthor] = useState('');
  const [text, setText] = useState('');
  const end = useRef<HTMLLIElement>(null);

  useEffect(() => {
    if (messages.length > 0) end.current?.scrollIntoView({ block: 'nearest' });
  }, [messages]);

  function say(event: FormEvent) {
    event.preventDefault();
    if (send({ author, text })) setText('');
  }

  return (
    <section className={styles.chat} aria-labelledby="chat">
      <h2 id="chat">Talk about it</h2>
      <ol className={styles.messages} aria-live="polite" aria-label="Messages">
        {messages.map((message) => (
          <li key={message.id} ref={message === messages.at(-1) ? end : undefined}>
            <strong>{message.author}</strong>
            <span>{message.text}</span>
          </li>
        ))}
      </ol>
      {messages.length === 0 && <p className="meta">Nobody has said anything yet.</p>}
      <form className={styles.form} onSubmit={say}>
        <label>
          <span className="visually-hidden">Your name</span>
          <input
            name="author"
            value={author}
            onChange={(event) => setAuthor(event.target.value)}
            placeholder="Your name"
            maxLength={AUTHOR_LENGTH}
            autoComplete="nickname"
            required
          />
        </label>
        <label className={styles.text}>
          <span className="visually-hidden">What you say</span>
          <input
            name="text"
            value={text}
            onChange={(event) => setText(event.target.value)}
            placeholder="What do you think?"
            maxLength={MESSAGE_LENGTH}
            autoComplete="off"
            required
          />
        </label>
        <button type="submit" className="button button-small" disabled={!isOpen}>
          Say it
        </button>
      </form>
      <p role="alert" className={refusal && 'notice notice-fault'}>
        {refusal}
      </p>
    </section>
  );
}

/** The chat of a question; a lost connection is made again, later each time. */
function useChat(questionId: number) {
  const [messages, setMessages] = useState<Message[]>([]);
  const [refusal, setRefusal] = useState<string>();
  const [isOpen, setIsOpen] = useState(false);
  const socket = useRef<WebSocket>(null);

  useEffect(() => {
    let retryMs = FIRST_RETRY_MS;
    let retry: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;

    function connect() {
      const origin = window.location.origin.replace(/^http/, 'ws');
      const opened = new WebSocket(`${origin}/api/questions/${questionId}/chat`);
      socket.current = opened;
      opened.onopen = () => {
        retryMs = FIRST_RETRY_MS;
        setIsOpen(true);
      };
      opened.onmessage = ({ data }) => take(JSON.parse(data) as ChatEvent);
      opened.onclose = () => {
        if (isOver) return;
        setIsOpen(false);
        retry = setTimeout(connect, retryMs);
        retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
      };
    }

    function take(event: ChatEvent) {
      if (event.type === 'refusal') return setRefusal(event.reason);
      setRefusal(undefined);
      const added = event.type === 'history' ? event.messages : [event.message];
      setMessages((known) => merge(known, added));
    }

    connect();
    return () => {
      isOver = true;
      clearTimeout(retry);
      socket.current?.close();
    };
  }, [questionId]);

  /** Whether it was sent. */
  function send(message: { author: string; text: string }): boolean {
    if (socket.current?.readyState !== WebSocket.OPEN) return false;
    socket.current.send(JSON.stringify(message));
    return true;
  }

  return { messages, refusal, isOpen, send };
}

/** A message may come twice: in the history, and because it was said in that moment. */
function merge(known: Message[], added: Message[]): Message[] {
  const byId = new Map([...known, ...added].map((message) => [message.id, message]));
  return [...byId.values()].sort((a, b) => a.id - b.id);
}
