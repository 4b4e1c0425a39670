import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { eventually } from '../cli/support/cli.ts';
import type { PollsApp } from './polls-app.ts';

const STARTED_MS = 120_000;
const RESULTS = `subscription ($questionId: Int!) {
  results(questionId: $questionId) { status voteCount }
}`;

interface Question {
  readonly id: number;
  readonly choices: readonly { readonly id: number; readonly votes: number }[];
}

/** Two servers of the polls app on different ports, with the same stores; `env` names a Redis, or none. */
export function sharedByInstances(app: () => PollsApp, env: () => { REDIS_URL: string }): void {
  let [one, other] = ['', ''];
  let question: Question;

  beforeAll(async () => {
    one = await app().startInstance('start', env());
    other = await app().startInstance('start', env(), app().copy());
    const text = `Do ${one} and ${other} agree?`;
    question = await post<Question>(`${one}/api/questions`, { text, choices: ['Yes', 'No'] });
  }, STARTED_MS);

  const vote = (origin: string, { id, choices }: Question = question) =>
    post(`${origin}/api/questions/${id}/votes`, { choiceId: choices[0]?.id });

  describe('two instances', () => {
    test('share votes', async () => {
      await vote(one);
      await vote(other);
      for (const origin of [one, other]) {
        const { choices } = await find(origin, question.id);
        expect(choices.map(({ votes }) => votes)).toEqual([2, 0]);
      }
    });

    test('a vote at one changes the cached page of the other', async () => {
      for (const [voter, reader] of [
        [one, other],
        [other, one],
      ] as const) {
        const before = await keptPage(reader);
        const { id, votes } = before.first;
        await vote(voter, await find(voter, id));
        await eventually(async () => {
          const { countedAt, first } = await popular(reader);
          return countedAt > before.countedAt && first.id === id && first.votes === votes + 1;
        }, 'the page has the vote');
        await keptPage(reader);
      }
    });

    test('what one has rendered is served by the other where there is a Redis', async () => {
      const isShared = env().REDIS_URL !== '';
      for (const status of ['open', 'closed']) {
        // An entry may go once more, when revalidations of before arrive.
        await eventually(async () => {
          const rendered = await keptPage(one, status);
          const served = await popular(other, status);
          if (!isShared) return served.countedAt !== rendered.countedAt;
          return served.cache === 'HIT' && served.countedAt === rendered.countedAt;
        }, 'the page is that of the other instance, or is not');
      }
    });

    test('a subscription at one hears of votes at the other', async () => {
      const heard: number[] = [];
      const client = createClient({
        url: `${one.replace('http', 'ws')}/api/graphql`,
        webSocketImpl: WebSocket,
      });
      client.subscribe<{ results: { voteCount: number } }>(
        { query: RESULTS, variables: { questionId: question.id } },
        {
          next: ({ data }) => void heard.push(data?.results.voteCount ?? 0),
          error: () => {},
          complete: () => {},
        },
      );
      try {
        // The first votes may be counted before the subscription has begun.
        await eventually(async () => {
          await vote(other);
          return heard.length > 0;
        }, 'a vote is heard of');
        const { voteCount } = await latest();
        await vote(other);
        await eventually(() => heard.includes(voteCount + 1), 'the next vote is heard of');
      } finally {
        await client.dispose();
      }
    });

    test('what is said at one is heard at the other', async () => {
      const [speaker, listener] = [new Chat(one, question.id), new Chat(other, question.id)];
      try {
        await eventually(() => speaker.isOpen && listener.isOpen, 'both have the history');
        await eventually(() => {
          speaker.say('Is anybody there?');
          return listener.heard.includes('Is anybody there?');
        }, 'the other hears');
        listener.say('I am.');
        await eventually(() => speaker.heard.includes('I am.'), 'the answer is heard');
      } finally {
        speaker.close();
        listener.close();
      }
    });
  });

  /** What an instance's page of popular questions says, and whether that was rendered for this request. */
  async function popular(origin: string, status = 'open') {
    const response = await fetch(`${origin}/popular/${status}`);
    const html = await response.text();
    const [, countedAt] = /Counted on <time dateTime="([^"]+)"/.exec(html) ?? [];
    const [, id] = /href="\/polls\/(\d+)/.exec(html) ?? [];
    const [, votes] = />([\d,]+) votes?/.exec(html.replaceAll('<!-- -->', '')) ?? [];
    if (!countedAt || !id || !votes) throw new Error(`${response.status}: ${html}`);
    const first = { id: Number(id), votes: Number(votes.replace(',', '')) };
    return { cache: response.headers.get('x-nextjs-cache'), countedAt, first };
  }

  /** The same when it comes out of a cache. */
  async function keptPage(origin: string, status?: string) {
    let page = await popular(origin, status);
    await eventually(async () => {
      const former = page;
      page = await popular(origin, status);
      return page.cache === 'HIT' && page.countedAt === former.countedAt;
    }, 'the page is kept');
    return page;
  }

  async function find(origin: string, id: number): Promise<Question> {
    return (await (await fetch(`${origin}/api/questions/${id}`)).json()) as Question;
  }

  async function latest(): Promise<{ voteCount: number }> {
    const { choices } = await find(one, question.id);
    return { voteCount: choices.reduce((sum, { votes }) => sum + votes, 0) };
  }

  afterAll(() => app().stop());
}

/** A visitor of a question's chat. */
class Chat {
  readonly heard: string[] = [];
  isOpen = false;
  readonly #socket: WebSocket;

  constructor(origin: string, questionId: number) {
    const url = `${origin.replace('http', 'ws')}/api/questions/${questionId}/chat`;
    this.#socket = new WebSocket(url);
    this.#socket.on('error', () => {});
    this.#socket.on('message', (data) => {
      const event = JSON.parse(String(data)) as { type: string; message?: { text: string } };
      if (event.type === 'history') this.isOpen = true;
      if (event.message) this.heard.push(event.message.text);
    });
  }

  say(text: string): void {
    this.#socket.send(JSON.stringify({ author: 'Ada', text }));
  }

  close(): void {
    this.#socket.terminate();
  }
}

async function post<Answer>(url: string, body: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}
