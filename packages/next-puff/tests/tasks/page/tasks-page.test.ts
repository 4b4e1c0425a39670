import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { type TaskStore, useTaskStore } from 'next-puff/tasks';
import { tasksPage } from 'next-puff/tasks/page';
import { add, completed, failed, newJob, Redis, until } from '../bullmq/support/stores.ts';

jest.setTimeout(120_000);

let redis: Redis;
let store: TaskStore;
beforeEach(async () => {
  redis = await Redis.start();
  store = redis.store();
  useTaskStore(store);
});
afterEach(() => redis.end());

const { GET, POST } = tasksPage({ authorize: () => true });
const ORIGIN = 'https://polls.example';

function visit(
  handler: typeof GET,
  path: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const url = new URL(`/admin/tasks${path}`, ORIGIN);
  const own = url.pathname.slice('/admin/tasks'.length).split('/').filter(Boolean);
  const method = handler === GET ? 'GET' : 'POST';
  const request = new Request(url, { method, headers: { host: url.host, ...headers } });
  return handler(request, { params: Promise.resolve(own.length > 0 ? { path: own } : {}) });
}

const read = async (path: string) => (await visit(GET, path)).text();
const post = (
  path: string,
  headers: Record<string, string> = { 'sec-fetch-site': 'same-origin' },
) => visit(POST, path, headers);

test('queues, counts and jobs are shown, and filtered', async () => {
  await add(store, { task: 'tasks/mail#send' });
  await add(store, { task: 'tasks/other#run', queue: 'slow', runAt: Date.now() + 60_000 });
  const all = await read('');
  expect(all).toContain('tasks/mail#send');
  expect(all).toContain('tasks/other#run');
  expect(all).toContain('href="/admin/tasks?state=delayed&amp;queue=slow">1</a>');
  const delayed = await read('?state=delayed&task=');
  expect(delayed).not.toContain('tasks/mail#send');
  expect(delayed).toContain('tasks/other#run');
  expect(await read('?queue=none')).toContain('No jobs.');
});

test('older jobs are one link away', async () => {
  await store.add(Array.from({ length: 60 }, () => newJob({ task: 'many' })));
  const first = await read('?task=many');
  const next = /href="\/admin\/tasks(\?[^"]*after=[^"]*)"/.exec(first)?.[1];
  expect(first.match(/<td>many<\/td>/g)).toHaveLength(50);
  const second = await read((next as string).replaceAll('&amp;', '&'));
  expect(second.match(/<td>many<\/td>/g)).toHaveLength(10);
});

test('a job is shown with all there is to know, and nothing of it is taken for HTML', async () => {
  const evil = `"><script>alert('x')</script>`;
  const worker = redis.work(store, async (job) => {
    if (job.task === 'parent') {
      await add(store, { task: 'child', parentId: job.id });
      return completed({ evil });
    }
    worker.report(job.id, { progress: JSON.stringify(evil), logs: [evil] });
    return failed(evil);
  });
  const id = await add(store, {
    task: evil,
    payload: JSON.stringify({ evil }),
    idempotencyKey: evil,
  });
  await store.ended(id);
  const job = await read(`/jobs/${encodeURIComponent(id)}`);
  expect(job).not.toContain('<script');
  expect(job.split('&lt;script&gt;').length).toBeGreaterThan(6);
  expect(job).toContain('RangeError');
  expect(job).toContain('E_TEST');
  expect(await read('')).not.toContain('<script');
  expect(await read(`?task=${encodeURIComponent(evil)}`)).not.toContain('<script');

  const parent = await add(store, { task: 'parent' });
  await store.ended(parent);
  expect(await read(`/jobs/${encodeURIComponent(parent)}`)).toContain('<td>child</td>');
  expect((await visit(GET, '/jobs/default%3Anone')).status).toBe(404);
  expect((await visit(GET, '/other')).status).toBe(404);
});

test('jobs are cancelled and run again', async () => {
  const id = await add(store);
  const path = `/jobs/${encodeURIComponent(id)}`;
  expect(await read(path)).toContain('>Cancel</button>');
  const cancelled = await post(`${path}/cancel`);
  expect(cancelled.status).toBe(303);
  expect(cancelled.headers.get('location')).toBe(`/admin/tasks${path}`);
  expect(await store.get(id)).toMatchObject({ state: 'cancelled' });
  expect((await post(`${path}/cancel`)).status).toBe(409);

  expect(await read(path)).toContain('>Run again</button>');
  expect((await post(`${path}/retry`)).status).toBe(303);
  redis.work(store, async () => completed('again'));
  await until('it has run', async () => (await store.get(id))?.state === 'completed');
  expect((await post(`${path}/retry`)).status).toBe(409);
  expect((await post(`${path}/remove`)).status).toBe(404);
});

test('other sites change nothing', async () => {
  const id = await add(store);
  const path = `/jobs/${encodeURIComponent(id)}/cancel`;
  const refused: Record<string, string>[] = [
    {},
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', origin: ORIGIN },
    { origin: 'https://evil.example' },
    { origin: 'null' },
  ];
  for (const headers of refused) expect((await post(path, headers)).status).toBe(403);
  expect(await store.get(id)).toMatchObject({ state: 'waiting' });
  expect((await post(path, { origin: ORIGIN })).status).toBe(303);
});

test('schedules are shown', async () => {
  const job = newJob({ task: 'tasks/summary#nightly' });
  await store.putSchedules(
    [{ id: 'tasks/summary#nightly', cron: '0 3 * * *', timeZone: 'Europe/Berlin', job }],
    1,
  );
  const page = await read('/schedules');
  expect(page).toContain('0 3 * * *');
  expect(page).toContain('Europe/Berlin');
  expect(page).toContain('never');
});

test('only who is let in sees or changes anything', async () => {
  const id = await add(store);
  const closed = tasksPage({ authorize: () => false });
  const away = tasksPage({ authorize: async () => Response.redirect(`${ORIGIN}/login`, 302) });
  expect((await visit(closed.GET, '')).status).toBe(403);
  expect((await visit(away.GET, '')).headers.get('location')).toBe(`${ORIGIN}/login`);
  const request = new Request(`${ORIGIN}/admin/tasks/jobs/${encodeURIComponent(id)}/cancel`, {
    method: 'POST',
    headers: { 'sec-fetch-site': 'same-origin' },
  });
  const context = { params: Promise.resolve({ path: ['jobs', encodeURIComponent(id), 'cancel'] }) };
  expect((await closed.POST(request, context)).status).toBe(403);
  expect(await store.get(id)).toMatchObject({ state: 'waiting' });
  const page = await visit(GET, '');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(page.headers.get('cache-control')).toBe('no-store');
});
