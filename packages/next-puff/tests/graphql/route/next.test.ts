import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serverAudits } from 'graphql-http';
import { eventually, testServer } from '../../postgres/support/server';
import { NextApp } from './next-app';

const BUILD_MS = 240_000;
const database = testServer();

describe('next build and next start, wrapped by withPuff', () => {
  const app = new NextApp('copied');
  let output = '';

  beforeAll(async () => {
    output = await app.build();
    await app.start('start', database.url);
  }, BUILD_MS);
  afterAll(() => app.stop());

  test('the route is dynamic, and the build needs no database', () => {
    expect(output).toMatch(/ƒ \/api\/graphql/);
    expect(output).not.toMatch(/next-puff|puff\.config/);
  });

  test('the handlers run in the context of their route', async () => {
    const response = await app.query('{ greeting route tenant }', { headers: { 'x-tenant': 'a' } });
    const data = { greeting: 'Hello', route: 'POST /api/graphql', tenant: 'a' };
    expect(await response.json()).toEqual({ data });
    const get = await fetch(`${app.url}?query=%7Broute%7D`);
    expect(await get.json()).toEqual({ data: { route: 'GET /api/graphql' } });
  });

  test('statuses and headers come through', async () => {
    const refused = await fetch(`${app.url}?query=mutation%7Brename(to%3A%22b%22)%7D`);
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'POST']);
    const head = await fetch(`${app.url}?query=%7Bgreeting%7D`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const options = await fetch(app.url, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([
      204,
      'GET, HEAD, OPTIONS, POST',
    ]);
  });

  test('production shows no page and no schema', async () => {
    const page = await fetch(app.url, { headers: { accept: 'text/html' } });
    expect(page.status).toBe(406);
    const response = await app.query('{ __schema { queryType { name } } }');
    expect(await response.json()).toEqual({ errors: [expect.anything()] });
  });

  test('a client that goes away cancels its statements', () => cancels(app));
});

describe('next dev, not wrapped', () => {
  const app = new NextApp('linked', { FIXTURE_UNWRAPPED: '1' });

  beforeAll(() => app.start('dev', database.url), BUILD_MS);
  afterAll(() => app.stop());

  test('a request is answered', async () => {
    const response = await app.query('{ greeting route }');
    expect(await response.json()).toEqual({ data: { greeting: 'Hello', route: null } });
  });

  test('the audit finds nothing', async () => {
    for (const audit of serverAudits({ url: app.url })) {
      const result = await audit.fn();
      expect([audit.name, result.status]).toEqual([audit.name, 'ok']);
    }
  });

  test('a browser gets GraphiQL', async () => {
    const page = await fetch(app.url, { headers: { accept: 'text/html,*/*;q=0.8' } });
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toContain('graphiql');
  });

  test('a client that goes away cancels its statements', () => cancels(app));

  test('a changed file changes the answers, as does a changed schema', async () => {
    const answer = async (query: string) => (await app.query(query)).text();
    app.write('lib/greeting.ts', `export const greeting = 'Good morning';`);
    await eventuallySlow(async () => (await answer('{ greeting }')).includes('Good morning'));
    app.write(
      'lib/schema.ts',
      `import { defineSchema } from 'next-puff/graphql';
      export const schema = defineSchema({
        typeDefs: 'type Query { added: Int }',
        resolvers: { Query: { added: () => 7 } },
      });`,
    );
    await eventuallySlow(async () => (await answer('{ added }')) === '{"data":{"added":7}}');
  });
});

/** Compiling takes its time. */
async function eventuallySlow(check: () => Promise<boolean>): Promise<void> {
  for (let left = 200; left > 0; left--) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('it did not come true');
}

async function cancels(app: NextApp): Promise<void> {
  const controller = new AbortController();
  const gone = app
    .query('{ slow }', { signal: controller.signal })
    .catch((error: Error) => error.name);
  await eventually(async () => (await database.running('pg_sleep')) === 1, 'it runs');
  controller.abort();
  expect(await gone).toBe('AbortError');
  await eventually(async () => (await database.running('pg_sleep')) === 0, 'it is cancelled');
}
