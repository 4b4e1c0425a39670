// Route handlers that are called past Next.js' router answer as those of `next start`.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { AppProcess } from '../support/app-process.ts';
import { headerOf, NoResponse, RawConnection, type RawResponse } from '../support/raw-http.ts';
import { buildFixture, copyOf, removeFixture } from './fixture.ts';

jest.setTimeout(60_000);

const BASE = '/base';

let dir: string | undefined;
let next: AppProcess;
let puff: AppProcess;

beforeAll(async () => {
  dir = await buildFixture(BASE);
  const env = { FIXTURE_BASE_PATH: BASE };
  [next, puff] = await Promise.all([
    AppProcess.start('next', copyOf(dir), { env }),
    AppProcess.start('next-puff', copyOf(dir), { env }),
  ]);
  // The first request of a route goes the usual way.
  await Promise.all(PATHS.map((path) => send(puff, { path })));
}, 240_000);

afterAll(async () => {
  await Promise.all([next?.kill(), puff?.kill()]);
  removeFixture(dir);
});

/** Every direct route of the fixture. */
const PATHS = [
  'log how seen items/1 bodies?kind=text heads?kind=teapot thrown?kind=missing methods cached draft',
]
  .join(' ')
  .split(' ')
  .map((path) => `/api/${path}`);

interface Request {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  readonly body?: string;
}

async function send(app: AppProcess, request: Request): Promise<RawResponse | 'no response'> {
  const { path, method = 'GET', headers = {}, body } = request;
  const fields = Array.isArray(headers) ? headers : Object.entries(headers);
  const lines = [
    `${method} ${BASE}${path} HTTP/1.1`,
    'Host: app.example',
    'X-Note: a note',
    ...fields.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  const connection = await RawConnection.open(app.port);
  try {
    await connection.send(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`));
    return await connection.receive(method);
  } catch (error) {
    if (error instanceof NoResponse) return 'no response';
    throw error;
  } finally {
    connection.close();
  }
}

async function json(app: AppProcess, path: string): Promise<unknown> {
  const response = await send(app, { path });
  if (response === 'no response') throw new Error(`${path} was not answered`);
  return JSON.parse(response.body.toString());
}

/** What handlers have noted, once there is something. */
async function logOf(app: AppProcess): Promise<string[]> {
  for (let tries = 0; tries < 200; tries++) {
    const noted = (await json(app, '/api/log')) as string[];
    if (noted.length > 0) return noted;
    await sleep(25);
  }
  throw new Error(`nothing was noted:\n${app.output}`);
}

/** Speak of one connection, or of how the body is framed. */
const NOT_COMPARED = new Set([
  'date',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
]);

function comparable(app: AppProcess, response: RawResponse | 'no response'): unknown {
  if (response === 'no response') return response;
  const { status, reason, headers, body, isComplete } = response;
  const fields: Record<string, string[]> = {};
  for (const [key, value] of headers) {
    const name = key.toLowerCase();
    if (NOT_COMPARED.has(name)) continue;
    // Lists may be in one field or in several.
    const values = name === 'set-cookie' ? [value] : value.split(', ');
    fields[name] = [...(fields[name] ?? []), ...values];
  }
  const text = body.toString('latin1').replaceAll(String(app.port), 'PORT');
  return { status, reason, fields, text, isComplete };
}

async function expectSame(request: Request): Promise<void> {
  const [one, other] = await Promise.all([send(next, request), send(puff, request)]);
  expect(comparable(puff, other)).toEqual(comparable(next, one));
}

test('they are called directly', async () => {
  expect(await json(next, '/api/how')).toEqual({ isDirect: false });
  expect(await json(puff, '/api/how')).toEqual({ isDirect: true });
});

describe('what a handler sees', () => {
  test.each<[string, Request]>([
    ['path and query', { path: '/api/seen/a/b%20c/%C3%BC?x=1&x=2&y=%20+z&%C3%A4=%F0%9F%8E%89' }],
    ['no parameter', { path: '/api/seen' }],
    ['queries that Next.js means for itself', { path: '/api/seen?nxtPrest=q&nxtIx=1&a=&b&=c&a=2' }],
    ['a fragment of a query', { path: '/api/seen?a=b%23c&d=e%26f' }],
    [
      'headers several times',
      {
        path: '/api/seen',
        headers: [
          ['Cookie', 'a=1'],
          ['Cookie', 'b=2; c=%20'],
          ['Accept', 'x'],
          ['Accept', 'y'],
          ['Authorization', 'one'],
          ['Authorization', 'two'],
          ['X-Latin', 'caf\xe9'],
        ],
      },
    ],
    [
      'forwarded headers',
      {
        path: '/api/seen',
        headers: {
          'X-Forwarded-For': '203.0.113.9',
          'X-Forwarded-Proto': 'https',
          'X-Forwarded-Host': 'public.example',
          'X-Forwarded-Port': '8443',
        },
      },
    ],
    ['a POST with a body', { path: '/api/seen', method: 'POST', body: 'the böody' }],
    ['a POST without one', { path: '/api/seen', method: 'POST' }],
    ['a PUT of a large body', { path: '/api/seen', method: 'PUT', body: 'b'.repeat(200_000) }],
    ['a GET with a body', { path: '/api/seen', body: 'ignored' }],
    ['a parameter', { path: '/api/items/a%2Fb%20c%C3%BC+d' }],
    ['a parameter that cannot be decoded', { path: '/api/items/%E0%A4%A' }],
    [
      'a form',
      {
        path: '/api/methods',
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: 'a=1&b=%C3%A4',
      },
    ],
  ])('%s', (_, request) => expectSame(request));
});

describe('what a handler answers', () => {
  test.each('text empty null bytes buffer view blob form large stream'.split(' '))(
    'a body: %s',
    (kind) => expectSame({ path: `/api/bodies?kind=${kind}` }),
  );

  test.each('many latin none unchanged teapot odd cookies redirect error unknown'.split(' '))(
    'a head: %s',
    (kind) => expectSame({ path: `/api/heads?kind=${kind}` }),
  );

  test.each('HEAD OPTIONS PUT PATCH DELETE TRACE PROPFIND'.split(' '))('to %s', (method) =>
    expectSame({ path: '/api/methods', method }),
  );

  test.each('text stream null'.split(' '))('to HEAD with a body: %s', (kind) =>
    expectSame({ path: `/api/bodies?kind=${kind}`, method: 'HEAD' }),
  );

  test('a body that was used', () => expectSame({ path: '/api/bodies', method: 'POST' }));
});

describe('what goes wrong', () => {
  test.each(
    'error rejection text nothing object redirect permanent missing rewrite next'.split(' '),
  )('%s', async (kind) => {
    const path = `/api/thrown?kind=${kind}`;
    await expectSame({ path });
    // What instrumentation is told, too.
    expect(await json(puff, '/api/log')).toEqual(await json(next, '/api/log'));
  });

  test('an error in the stream', async () => {
    const path = `/api/thrown?kind=in%20the%20stream`;
    const [one, other] = await Promise.all([send(next, { path }), send(puff, { path })]);
    for (const response of [one, other]) {
      expect(response).toMatchObject({ status: 200, isComplete: false });
    }
    expect(await logOf(puff)).toEqual(await logOf(next));
  });

  test('errors are logged', () => {
    expect(puff.output).toContain('thrown at once');
    expect(puff.output).toContain('thrown in the stream');
  });
});

test.each(['the usual way', 'directly'])('after() runs when the answer is sent: %s', async () => {
  for (const app of [next, puff]) {
    await send(app, { path: '/api/after' });
    expect(await logOf(app)).toEqual(['after']);
  }
});

test('data caches and revalidateTag()', async () => {
  for (const app of [next, puff]) {
    const [first, second] = (await json(app, '/api/cached')) as number[];
    expect(second).toBe(first);
    expect(await json(app, '/api/cached')).toEqual([first, first]);
    await send(app, { path: '/api/cached', method: 'POST' });
    expect(await json(app, '/api/cached')).toEqual([(first ?? 0) + 1, (first ?? 0) + 1]);
  }
});

test('draft mode', async () => {
  for (const app of [next, puff]) {
    const enabled = await send(app, { path: '/api/draft', method: 'POST' });
    if (enabled === 'no response') throw new Error('draft mode cannot be enabled');
    const cookie = headerOf(enabled.headers, 'set-cookie')?.split(';')[0] ?? '';
    expect(cookie).toMatch(/^__prerender_bypass=\w/);
    const path = '/api/draft';
    const answers = await Promise.all([
      send(app, { path, headers: { cookie } }),
      send(app, { path }),
    ]);
    const bodies = answers.map((answer) => (answer as RawResponse).body.toString());
    expect(bodies).toEqual(['{"isEnabled":true}', '{"isEnabled":false}']);
  }
});

test('a route that Next.js keeps answers of is left to it', async () => {
  for (const app of [next, puff]) {
    const first = await json(app, '/api/kept/new');
    expect(await json(app, '/api/kept/new')).toEqual(first);
  }
});

test.each([
  ['/api/waits', ['waiting', 'aborted ResponseAborted']],
  ['/api/endless', ['cancelled']],
])('a client that goes away: %s', async (path, expected) => {
  for (const app of [next, puff]) {
    // The second time it is a direct call.
    for (let times = 0; times < 2; times++) {
      const connection = await RawConnection.open(app.port);
      await connection.send(`GET ${BASE}${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const noted = path === '/api/waits' ? await logOf(app) : [];
      if (path === '/api/endless') await connection.receiveHead();
      connection.close();
      expect([...noted, ...(await logOf(app))]).toEqual(expected);
    }
  }
});
