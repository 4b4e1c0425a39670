import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import { RedisServer } from '../redis/support/redis-server.ts';
import { playsInBrowser } from './plays-in-browser.ts';
import { PollsApp } from './polls-app.ts';
import { sharedByInstances } from './shared-by-instances.ts';

// `next dev` compiles what is asked for.
jest.setTimeout(60_000);
const PREPARED_MS = 360_000;
const QUESTIONS = 220;

let database: TemporaryPostgres;
let app: PollsApp;

beforeAll(async () => {
  database = await startTemporaryPostgres();
  app = new PollsApp(database.url);
  await app.generate();
  // The build needs no database.
  await app.run(['build'], { DATABASE_URL: '' });
  await app.run(['migrate', 'deploy']);
  await app.run(['run', 'seed', '--', '--questions', String(QUESTIONS)]);
}, PREPARED_MS);

afterAll(async () => {
  await app?.remove();
  await database?.stop();
});

interface Question {
  id: number;
  text: string;
  status: 'OPEN' | 'CLOSED';
  url: string;
  voteCount: number;
  myChoice: { id: number; text: string } | null;
  choices: { id: number; text: string; votes: number; share: number }[];
}
interface QuestionPage {
  questions: {
    totalCount: number;
    nodes: Question[];
    pageInfo: { endCursor: string; hasNextPage: boolean };
  };
}

const FIELDS = 'id text status url voteCount myChoice { id text } choices { id text votes share }';
const PAGE = `query ($first: Int, $after: String, $search: String, $status: QuestionStatus) {
  questions(first: $first, after: $after, search: $search, status: $status) {
    totalCount nodes { ${FIELDS} } pageInfo { endCursor hasNextPage }
  }
}`;
const VOTE = `mutation ($questionId: Int!, $choiceId: Int!) {
  vote(questionId: $questionId, choiceId: $choiceId) { outcome question { ${FIELDS} } }
}`;

async function page(variables: Record<string, unknown>): Promise<QuestionPage['questions']> {
  const { data, errors } = await app.ask<QuestionPage>(PAGE, variables);
  expect(errors).toBeUndefined();
  return (data as QuestionPage).questions;
}

/** The newest open question. */
async function openQuestion(): Promise<Question> {
  const { nodes } = await page({ first: 1, status: 'OPEN' });
  return nodes[0] as Question;
}

describe('built, in production', () => {
  beforeAll(async () => {
    await app.start('start');
  }, PREPARED_MS);
  afterAll(() => app.stop());

  test('pages of questions, newest first, until there are no more', async () => {
    const ids: number[] = [];
    let after: string | null = null;
    for (;;) {
      const { nodes, pageInfo, totalCount } = await page({ first: 100, after });
      expect(totalCount).toBe(QUESTIONS);
      ids.push(...nodes.map(({ id }) => id));
      expect(pageInfo.hasNextPage).toBe(ids.length < QUESTIONS);
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
    }
    expect(new Set(ids).size).toBe(QUESTIONS);
    const home = await fetch(`${app.origin}/api/questions`);
    const { questions } = (await home.json()) as { questions: { id: number }[] };
    expect(ids.slice(0, 12)).toEqual(questions.map(({ id }) => id));
  });

  test('the same votes as the JSON API has', async () => {
    const { nodes } = await page({ first: 20 });
    for (const question of nodes) {
      const response = await fetch(`${app.origin}/api/questions/${question.id}`);
      const { text, status, choices } = (await response.json()) as {
        text: string;
        status: string;
        choices: { id: number; text: string; votes: number }[];
      };
      expect(question).toMatchObject({ text, status: status.toUpperCase(), choices });
      const voteCount = choices.reduce((sum, { votes }) => sum + votes, 0);
      expect(question.voteCount).toBe(voteCount);
      for (const { votes, share } of question.choices) {
        expect(share).toBeCloseTo(voteCount === 0 ? 0 : votes / voteCount, 10);
      }
      const isOpen = question.status === 'OPEN';
      expect(question.url).toBe(`/polls/${question.id}${isOpen ? '' : '/results'}`);
    }
    expect(new Set(nodes.map(({ status }) => status)).size).toBe(2);
  });

  test('a search, by words and by status', async () => {
    const { nodes } = await page({ search: 'WINDOW seat' });
    expect(nodes.map(({ text }) => text)).toEqual(['Window seat or aisle?']);
    expect((await page({ search: '%' })).totalCount).toBe(0);
    const closed = await page({ status: 'CLOSED', first: 200 });
    expect(closed.nodes.length).toBeGreaterThan(0);
    expect(closed.nodes.every(({ status }) => status === 'CLOSED')).toBe(true);
  });

  test('one question, or none', async () => {
    const query = `query ($id: Int!) { question(id: $id) { id publishedAt closedAt choices { id } } }`;
    const [closed] = (await page({ first: 1, status: 'CLOSED' })).nodes;
    const { data } = await app.ask(query, { id: closed?.id });
    const moment = expect.stringMatching(/^2026-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(data).toEqual({
      question: {
        id: closed?.id,
        publishedAt: moment,
        closedAt: moment,
        choices: closed?.choices.map(({ id }) => ({ id })),
      },
    });
    expect(await app.ask(query, { id: 2_000_000_000 })).toMatchObject({ data: { question: null } });
  });

  test('a vote counts, and the same visitor changes it', async () => {
    const before = await openQuestion();
    const [first, second] = before.choices as [Question['choices'][0], Question['choices'][0]];
    const votes = (question: Question) => question.choices.map(({ votes }) => votes);
    const vote = async (choiceId: number, headers = {}) => {
      const answer = await app.ask<{ vote: { outcome: string; question: Question } }>(
        VOTE,
        { questionId: before.id, choiceId },
        { headers },
      );
      expect(answer.errors).toBeUndefined();
      return { ...answer.data?.vote, setCookie: answer.setCookie };
    };
    const counted = await vote(first.id);
    expect(counted).toMatchObject({
      outcome: 'COUNTED',
      question: { voteCount: before.voteCount + 1, myChoice: { id: first.id, text: first.text } },
    });
    const [one, two, ...others] = votes(before) as [number, number, ...number[]];
    expect(votes(counted.question as Question)).toEqual([one + 1, two, ...others]);

    const [cookie] = /^polls_visitor=[^;]+/.exec(counted.setCookie ?? '') ?? [];
    const changed = await vote(second.id, { cookie });
    expect(changed).toMatchObject({ outcome: 'CHANGED', setCookie: null });
    expect(votes(changed.question as Question)).toEqual([one, two + 1, ...others]);
    // Who has no cookie is another visitor.
    expect((await vote(first.id)).outcome).toBe('COUNTED');
    expect(votes(await openQuestion())).toEqual([one + 1, two + 1, ...others]);
  });

  test.each([
    ['a closed question', 'POLL_CLOSED', /is closed/],
    ['the choice of another question', 'NO_SUCH_CHOICE', /has no choice/],
    ['no question', 'NO_SUCH_QUESTION', /There is no question/],
  ])('a vote for %s is refused in words', async (_, code, message) => {
    const closed = (await page({ first: 1, status: 'CLOSED' })).nodes[0] as Question;
    const open = await openQuestion();
    const choiceId = closed.choices[0]?.id;
    const questionId = { POLL_CLOSED: closed.id, NO_SUCH_CHOICE: open.id }[code] ?? 2_000_000_000;
    const { data, errors } = await app.ask(VOTE, { questionId, choiceId });
    expect(data).toBeNull();
    expect(errors).toMatchObject([
      { message: expect.stringMatching(message), extensions: { code } },
    ]);
    expect([await openQuestion()]).toEqual([open]);
  });

  test('the page shows what the API answers', async () => {
    const html = await (await fetch(`${app.origin}/explore`)).text();
    const shown = text(html);
    const { nodes, pageInfo } = await page({ first: 6 });
    for (const question of nodes) {
      expect(shown).toContain(question.text);
      for (const choice of question.choices) expect(shown).toContain(choice.text);
    }
    expect(html).toContain(
      `value="${nodes.find(({ status }) => status === 'OPEN')?.choices[0]?.id}"`,
    );
    // Without JavaScript the next page is a link.
    const [, next = ''] = /href="(\/explore\?after=[^"]+)"/.exec(html) ?? [];
    expect(new URL(next, app.origin).searchParams.get('after')).toBe(pageInfo.endCursor);
    const rest = text(await (await fetch(`${app.origin}${next}`)).text());
    const following = await page({ first: 6, after: pageInfo.endCursor });
    for (const question of following.nodes) expect(rest).toContain(question.text);
    expect(rest).not.toContain(nodes[0]?.text);
  });

  test('the page of a search, and of an address that nobody was given', async () => {
    const found = text(await (await fetch(`${app.origin}/explore?search=window+seat`)).text());
    expect(found).toContain('1 question with “window seat”');
    expect(found).toContain('Window seat or aisle?');
    expect((await fetch(`${app.origin}/explore?after=made-up`)).status).toBe(404);
  });

  test('no schema, no page for browsers and no explanations', async () => {
    const introspection = await app.ask('{ __schema { queryType { name } } }');
    expect([introspection.data, introspection.errors?.length]).toEqual([undefined, 1]);
    const browser = await fetch(`${app.origin}/api/graphql`, { headers: { accept: 'text/html' } });
    expect(browser.status).toBe(406);
    const explained = await app.ask('{ questions { totalCount } }', {}, { explain: true });
    expect(explained).toMatchObject({ data: { questions: { totalCount: QUESTIONS } } });
    expect(explained.extensions).toBeUndefined();
    const home = await (await fetch(app.origin)).text();
    expect(home).not.toContain('href="/api/graphql"');
  });

  // It asks a question: the counts above are of before.
  playsInBrowser(() => app.origin);
});

describe('built, on PostgreSQL alone', () => {
  sharedByInstances(
    () => app,
    () => ({ REDIS_URL: '' }),
  );
});

describe('built, with Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start({ settings: { appendonly: 'yes' } });
  });
  sharedByInstances(
    () => app,
    () => ({ REDIS_URL: redis.url }),
  );
  afterAll(() => redis?.stop());
});

describe('in development', () => {
  beforeAll(() => app.start('dev'), PREPARED_MS);
  afterAll(() => app.stop());

  test.each([1, 10, 200])('one statement per layer, for %i questions', async (first) => {
    const { data, errors, extensions } = await app.ask<QuestionPage>(
      PAGE,
      { first },
      { explain: true },
    );
    expect(errors).toBeUndefined();
    expect(data?.questions.nodes).toHaveLength(first);
    const layers = extensions?.explain?.layers ?? [];
    const fields = (kind: string) =>
      layers
        .filter((step) => step.kind === kind)
        .map(({ field }) => field)
        .sort();
    expect(fields('statement')).toEqual([
      'Choice.share',
      'Choice.votes',
      'Query.questions',
      'Query.questions', // totalCount
      'Question.choices',
      'Question.myChoice',
      'Question.voteCount',
    ]);
    expect(fields('javascript')).toEqual(['Question.url']);
  });

  test('GraphiQL for browsers, the schema for tools, and a link to them', async () => {
    const response = await fetch(`${app.origin}/api/graphql`, { headers: { accept: 'text/html' } });
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    expect(await response.text()).toContain('<title>GraphiQL</title>');
    const { data } = await app.ask('{ __schema { queryType { name } } }');
    expect(data).toEqual({ __schema: { queryType: { name: 'Query' } } });
    expect(await (await fetch(app.origin)).text()).toContain('href="/api/graphql"');
  });
});

/** A page's text as it is read. */
function text(html: string): string {
  return html
    .replace(/<script[\s\S]*?<\/script>/g, '')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&#x27;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ');
}
