import { once } from 'node:events';
import http from 'node:http';
import { AppProcess } from '../server/support/app-process.ts';
import { FixtureApp, type FixtureProcess } from './support/fixture-app.ts';

const BUILD_MS = 180_000;

let app: FixtureApp;
let buildOutput: string;

beforeAll(async () => {
  const built = await FixtureApp.build();
  app = built.app;
  buildOutput = built.output;
}, BUILD_MS);
afterAll(() => app?.remove());

test('the build prerenders as always', () => {
  expect(buildOutput).toMatch(/● \/pages\/built/);
  expect(buildOutput).toMatch(/○ \/api\/static/);
  expect(buildOutput).not.toMatch(/next-puff/);
});

describe.each([
  ['two isolates of one process with NEXT_PUFF_CACHE=1', 2, { NEXT_PUFF_CACHE: '1' }],
  ['one isolate without it', 1, {}],
])('%s', (_name, isolates, env) => {
  let server: FixtureProcess;
  beforeAll(async () => {
    server = await app.start(isolates, env as Record<string, string>);
  }, 60_000);
  afterAll(() => server?.stop());

  const [first, second] = [0, isolates - 1];

  /** Both isolates give the same answer, and that is it. */
  async function agreed(path: string): Promise<string> {
    const text = await server.text(first, path);
    expect(await server.text(second, path)).toBe(text);
    return text;
  }

  test('a page of the build is served by all, from the build', async () => {
    const response = await server.fetch(first, '/pages/built');
    expect(response.headers.get('x-nextjs-cache')).toBe('HIT');
    expect(await agreed('/pages/built')).toMatch(/^built rendered=/);
  });

  test('a page that one isolate has rendered is there for the others', async () => {
    const text = await server.text(first, '/pages/on-demand');
    const response = await server.fetch(second, '/pages/on-demand');
    expect(response.headers.get('x-nextjs-cache')).toBe('HIT');
    expect(await response.text()).toContain(text);
  });

  test('all parts of a page are there for the others', async () => {
    const rsc = { headers: { rsc: '1' } };
    await server.fetch(first, '/pages/parts');
    const [one, other] = [
      await server.fetch(first, '/pages/parts', rsc),
      await server.fetch(second, '/pages/parts', rsc),
    ];
    expect(other.headers.get('content-type')).toBe('text/x-component');
    expect(await other.text()).toBe(await one.text());
    const tree = {
      headers: {
        ...rsc.headers,
        'next-router-prefetch': '1',
        'next-router-segment-prefetch': '/_tree',
      },
    };
    const [segment, same] = [
      await server.fetch(first, '/pages/parts', tree),
      await server.fetch(second, '/pages/parts', tree),
    ];
    expect(segment.status).toBe(200);
    expect(await same.text()).toBe(await segment.text());
  });

  test('revalidatePath in one isolate makes all of them answer anew', async () => {
    for (const path of ['/pages/built', '/pages/revalidated', '/api/static']) {
      const before = await agreed(path);
      await server.revalidate(first, `path=${path}`);
      const after = await server.text(second, path);
      expect(after).not.toBe(before);
      expect(await agreed(path)).toBe(after);
    }
  });

  test.each([
    ['results of "use cache"', 'used'],
    ['the data cache', 'stored'],
  ])('%s: isolates share them, and revalidateTag reaches all', async (_what, tag) => {
    const before = await agreed(`/api/${tag}`);
    await server.revalidate(second, 'tag=another');
    expect(await agreed(`/api/${tag}`)).toBe(before);
    await server.revalidate(second, `tag=${tag}`);
    const after = await server.text(first, `/api/${tag}`);
    expect(after).not.toBe(before);
    expect(await agreed(`/api/${tag}`)).toBe(after);
  });

  test('with a profile the next answer is the stale one, then all get the new one', async () => {
    const before = await agreed('/api/used');
    await server.revalidate(first, 'tag=used&profile=max');
    expect(await server.text(second, '/api/used')).toBe(before);
    let after = before;
    for (const end = Date.now() + 10_000; after === before && Date.now() < end; ) {
      after = await server.text(second, '/api/used');
    }
    expect(after).not.toBe(before);
    expect(await agreed('/api/used')).toBe(after);
  });

  test('a tag takes the pages away whose data has it', async () => {
    const before = await agreed('/pages/built');
    await server.revalidate(second, 'tag=data');
    const after = await server.text(first, '/pages/built');
    const data = (text: string) => /data=(\S+)/.exec(text)?.[1];
    expect(data(after)).not.toBe(data(before));
    expect(await agreed('/pages/built')).toBe(after);
  });
});

describe('next-puff start with two workers', () => {
  let server: AppProcess;
  beforeAll(async () => {
    const options = { args: ['--workers', '2'], removesDir: false };
    server = await AppProcess.start('next-puff', app.copy(), options);
  }, 60_000);
  afterAll(() => server?.kill());

  /** How many requests JavaScript has answered. */
  async function scripted(): Promise<number> {
    const numbers = await (await fetch(`${server.origin}/metrics`)).text();
    const counts = numbers.matchAll(/^puff_http_requests_total\{tier="script",.*\} (\d+)$/gm);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  /** An answer without what belongs to its transmission, and whether JavaScript gave it. */
  async function ask(path: string, init: RequestInit = {}) {
    const before = await scripted();
    const response = await fetch(server.origin + path, init);
    const { date: _, ...headers } = Object.fromEntries(response.headers);
    const answer = { status: response.status, headers, body: await response.text() };
    return { ...answer, isScripted: (await scripted()) > before };
  }

  /** Asks until JavaScript is not asked any more. */
  async function learn(path: string) {
    for (const end = Date.now() + 20_000; ; ) {
      const answer = await ask(path);
      if (!answer.isScripted) return answer;
      if (Date.now() > end) throw new Error(`JavaScript answers: ${JSON.stringify(answer)}`);
    }
  }

  /** As a browser does: `fetch` adds `no-cache` to conditional requests. */
  async function get(path: string, headers: Record<string, string>) {
    const before = await scripted();
    const request = http.get(server.origin + path, { headers });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const body = (await response.toArray()).join('');
    const isScripted = (await scripted()) > before;
    return { status: response.statusCode, headers: response.headers, body, isScripted };
  }

  const revalidate = (what: string) => ask(`/api/revalidate?${what}`, { method: 'POST' });

  test.each([
    ['a page of the build', '/pages/built', {}],
    ['a page of a parameter that the build did not know', '/pages/new', {}],
    ['a route handler', '/api/static', {}],
    [
      'a segment',
      '/pages/built',
      {
        rsc: '1',
        'next-router-prefetch': '1',
        'next-router-segment-prefetch': '/_tree',
      },
    ],
  ])(
    '%s is asked of JavaScript until it comes from the cache, then not',
    async (_what, path, headers) => {
      // RSC requests carry a digest of their headers, which is redirected to where it is missing.
      const redirect = await fetch(server.origin + path, { headers, redirect: 'manual' });
      const at = redirect.headers.get('location') ?? path;
      let first = await ask(at, { headers });
      if (first.headers['x-nextjs-cache'] !== 'HIT') first = await ask(at, { headers });
      expect(first).toMatchObject({ status: 200, headers: { 'x-nextjs-cache': 'HIT' } });
      const replayed = await ask(at, { headers });
      // What is sent again is compressed once, and better.
      const { 'content-length': _, ...expected } = first.headers;
      const { 'content-length': __, ...given } = replayed.headers;
      expect(given).toEqual(expected);
      expect(replayed).toMatchObject({ status: 200, body: first.body, isScripted: false });
    },
  );

  test('a fresh copy of the client is confirmed without JavaScript, with the headers of Next.js', async () => {
    await learn('/pages/conditional');
    const { headers } = await get('/pages/conditional', {});
    const conditional = { 'if-none-match': String(headers.etag) };
    const replayed = await get('/pages/conditional', conditional);
    expect(replayed).toMatchObject({ status: 304, body: '', isScripted: false });
    expect(replayed.headers).toMatchObject({ etag: headers.etag, vary: expect.anything() });
    await revalidate('path=/pages/conditional');
    const { status, headers: newHeaders } = await get('/pages/conditional', conditional);
    expect(status).toBe(200);
    expect(newHeaders.etag).not.toBe(headers.etag);
  });

  test.each([
    ['path=/pages/revalidated', '/pages/revalidated'],
    ['tag=data', '/pages/revalidated'],
  ])(
    'after a revalidation of %s JavaScript is asked, and the new page is learned',
    async (what, path) => {
      const before = await learn(path);
      await revalidate(what);
      const after = await ask(path);
      expect(after.isScripted).toBe(true);
      expect(after.body).not.toBe(before.body);
      expect((await learn(path)).body).toBe(after.body);
    },
  );

  test('a page with a stale tag is asked of JavaScript', async () => {
    await learn('/pages/stale');
    await revalidate('tag=data&profile=max');
    const stale = await ask('/pages/stale');
    expect(stale).toMatchObject({ isScripted: true, headers: { 'x-nextjs-cache': 'STALE' } });
  });

  test('drafts and revalidating requests go past the recordings', async () => {
    await learn('/pages/built');
    for (const headers of [
      { cookie: '__prerender_bypass=something' },
      { 'x-prerender-revalidate': 'something' },
    ]) {
      expect((await ask('/pages/built', { headers })).isScripted).toBe(true);
    }
  });
});
