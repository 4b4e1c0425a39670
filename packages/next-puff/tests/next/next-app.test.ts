import {
  actionIds,
  actionRequest,
  buildFixture,
  FixtureServer,
  installNextPuff,
  type Variant,
} from './fixture-server.ts';

const BUILD_MS = 180_000;
let plainIds: Record<string, string>;

beforeAll(async () => {
  installNextPuff('copied');
  await buildFixture('plain');
  plainIds = actionIds('plain');
}, BUILD_MS);

describe.each(['turbopack', 'webpack'] as const)('next build and next start with %s', (variant) => {
  let buildOutput: string;
  let server: FixtureServer | undefined;

  beforeAll(async () => {
    buildOutput = await buildFixture(variant);
    server = await FixtureServer.start('start', variant);
  }, BUILD_MS);
  afterAll(() => server?.stop());

  test('the build warns of nothing that next-puff did', () => {
    expect(buildOutput).not.toMatch(/next-puff|puff\.config/);
  });

  test('the action ids are those of a build without withPuff, and no others', () => {
    expect(Object.keys(plainIds)).toContain('$$RSC_SERVER_ACTION_0');
    if (variant === 'turbopack') expect(actionIds(variant)).toEqual(plainIds);
    else expect(Object.keys(actionIds(variant))).toEqual(Object.keys(plainIds));
  });

  test('a static route handler stays static', async () => {
    expect(buildOutput).toMatch(/○ \/api\/static/);
    const first = await server?.json('/api/static');
    expect(first).toEqual(['route GET /api/static', expect.any(Number)]);
    expect(await server?.json('/api/static')).toEqual(first);
  });

  test('a revalidated route handler keeps its former answer when the database is away', async () => {
    const first = await server?.json('/api/revalidated');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await server?.fetch('/api/revalidated');
    await server?.waitForEvent('revalidated: no deadline');
    const response = (await server?.fetch('/api/revalidated')) as Response;
    expect([response.status, await response.json()]).toEqual([200, first]);
  });

  behavesWrapped(() => server as FixtureServer, variant);
});

describe('next dev', () => {
  let server: FixtureServer | undefined;

  beforeAll(async () => {
    installNextPuff('linked');
    server = await FixtureServer.start('dev', 'turbopack');
  }, BUILD_MS);
  afterAll(() => server?.stop());

  behavesWrapped(() => server as FixtureServer, 'dev');
});

/** What has to hold however the app was built. */
function behavesWrapped(server: () => FixtureServer, variant: Variant | 'dev'): void {
  const get = (path: string) => server().json(path);
  const send = (path: string, method: string) => server().json(path, { method });
  const id = (name: string): string => {
    const ids = variant === 'dev' ? actionIdsOfDev : actionIds(variant);
    return ids[name] as string;
  };
  let actionIdsOfDev: Record<string, string> = {};

  beforeAll(async () => {
    if (variant !== 'dev') return;
    // Compiles the page and its actions.
    await (await server().fetch('/')).text();
    actionIdsOfDev = actionIds('turbopack/dev' as Variant);
  }, 60_000);

  test('handlers of every export style are wrapped', async () => {
    expect(await get('/api/declared')).toBe('route GET /api/declared');
    const body = { method: 'POST', body: 'text' };
    const posted = await server().json('/api/declared', body);
    expect(posted).toEqual(['route POST /api/declared', 'text']);
    expect(await get('/api/mixed')).toBe('route GET /api/mixed');
    expect(await get('/api/destructured')).toBe('route GET /api/destructured');
    expect(await send('/api/destructured', 'PUT')).toBe('route PUT /api/destructured');
    expect(await get('/api/aliased')).toBe('route GET /api/aliased');
    expect(await send('/api/aliased', 'POST')).toBe('route POST /api/aliased');
    expect(await get('/api/named')).toBe('route GET /api/named');
    expect(await send('/api/named', 'PATCH')).toBe('route PATCH /api/named');
    expect(await get('/api/star')).toBe('route GET /api/star');
    expect(await send('/api/star', 'PUT')).toBe('route PUT /api/star');
    expect(await get('/api/items/42')).toEqual(['route GET /api/items/[id]', '42']);
    expect(await get('/api/edge')).toBe('edge');
  }, 60_000);

  test('Next.js still answers HEAD, OPTIONS and methods that are not there', async () => {
    expect((await server().fetch('/api/declared', { method: 'HEAD' })).status).toBe(200);
    const options = await server().fetch('/api/declared', { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([
      204,
      'GET, HEAD, OPTIONS, POST',
    ]);
    expect((await server().fetch('/api/declared', { method: 'DELETE' })).status).toBe(405);
  });

  test('a handler past its deadline answers 504, whether it ends late or never', async () => {
    for (const method of ['GET', 'POST']) {
      const startedAt = Date.now();
      const response = await server().fetch('/api/stuck', { method });
      expect(response.status).toBe(504);
      expect(await response.json()).toEqual({
        error: { code: 'PUFF_DEADLINE_EXCEEDED', message: expect.any(String) },
      });
      if (method === 'POST') expect(Date.now() - startedAt).toBeLessThan(2000);
    }
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(server().output()).not.toMatch(/unhandledRejection|too late to matter/i);
  }, 20_000);

  test('an unreachable database is 503 with Retry-After', async () => {
    const response = await server().fetch('/api/unavailable', { method: 'POST' });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '3']);
    expect(await response.json()).toEqual({
      error: { code: 'PUFF_POSTGRES_UNAVAILABLE', message: expect.any(String) },
    });
  });

  test('a redirect commits and redirects, notFound fails and is 404', async () => {
    const redirected = await server().fetch('/api/redirecting', { method: 'POST' });
    expect(redirected.headers.get('location')).toBe('/elsewhere');
    expect((await server().fetch('/api/missing', { method: 'POST' })).status).toBe(404);
    expect(await server().recorded()).toEqual(
      expect.arrayContaining(['redirect: success', 'missing: failure']),
    );
  });

  test('a client that leaves aborts the signal of a route handler', async () => {
    await server().disconnectAfter('route: waiting', '/api/waiting', { method: 'POST' });
    await server().waitForEvent('route: PUFF_CLIENT_DISCONNECTED');
  }, 20_000);

  test('a client that leaves while the body is streamed aborts the signal', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const response = await server().fetch('/api/streaming', { method: 'POST', signal });
    await response.body?.getReader().read();
    controller.abort();
    await server().waitForEvent('stream: PUFF_CLIENT_DISCONNECTED');
  }, 20_000);

  test('after a complete answer nothing aborts', async () => {
    expect(await send('/api/fast', 'POST')).toBe('fast');
    await server().waitForEvent('after: aborted false, active false');
  }, 20_000);

  test('actions of every style are wrapped', async () => {
    const result = (name: string, ...args: unknown[]) => server().actionResult(id(name), ...args);
    expect(await result('declared', 'ab', 2)).toEqual(['action declared (app/actions.ts)', 'abab']);
    expect(await result('declared', 'ab')).toEqual(['action declared (app/actions.ts)', 'ab']);
    expect(await result('arrow', 'a')).toEqual(['action arrow (app/actions.ts)', 'a']);
    expect(await result('guarded', 'a')).toEqual(['action guarded (app/actions.ts)', 'a']);
    expect(await result('explicit', 'a')).toEqual(['action explicit (app/actions.ts)', 'a']);
    expect(await result('renamed', 'a')).toEqual(['action local (app/actions.ts)', 'a']);
    expect(await result('imported', 'a')).toEqual(['action imported (app/actions.ts)', 'a']);
    expect(await result('destructured', 'a')).toEqual([
      'action destructured (app/actions.ts)',
      'a',
    ]);
    expect(await result('default')).toBe('action default export (app/actions.ts)');
  }, 60_000);

  test('inline actions are wrapped and keep their closures', async () => {
    await server().submitForm('inline', { word: 'hello' });
    await server().submitForm('arrow', {});
    expect(await server().recorded()).toEqual(
      expect.arrayContaining([
        'inline: action inline (app/page.tsx), closed over, hello',
        'inline arrow: action arrow (app/page.tsx), closed over',
      ]),
    );
  });

  test('an action past its deadline fails', async () => {
    const response = await server().callAction(id('explicit'), 'wait');
    expect(response.status).toBe(500);
    await response.text();
    expect(server().output()).toContain('explicit (app/actions.ts) did not finish within 200 ms');
  }, 20_000);

  test('a client that leaves aborts the signal of an action', async () => {
    await server().disconnectAfter('action: waiting', '/', actionRequest(id('waiting'), []));
    await server().waitForEvent('action: PUFF_CLIENT_DISCONNECTED');
  }, 20_000);

  test('an action that redirects succeeds', async () => {
    const response = await server().callAction(id('redirecting'));
    expect(response.headers.get('x-action-redirect')).toMatch(/^\/elsewhere/);
    expect(await server().recorded()).toContain('action redirect: success');
  });
}
