import { jest } from '@jest/globals';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import pg from 'pg';
import { CacheProcess } from './support/cache-process.ts';

jest.setTimeout(120_000);

let server: TemporaryPostgres;
let one: CacheProcess;
let two: CacheProcess;

beforeAll(async () => {
  server = await startTemporaryPostgres();
  [one, two] = [new CacheProcess(env()), new CacheProcess(env())];
  await Promise.all([one.call('listen'), two.call('listen')]);
  // Until a process hears the others, what it puts and has tags does not last.
  for (const process of [one, two]) await lasts(process);
});
afterAll(async () => {
  await Promise.all([one?.stop(), two?.stop()]);
  await server?.stop();
});

function env(): Record<string, string> {
  return { DATABASE_URL: server.url };
}

/** Revalidates in one process until the other has heard it: it may just begin to listen. */
async function lasts(process: CacheProcess): Promise<void> {
  const other = process === one ? two : one;
  await process.call('set', 'probe', 1, { tags: ['probe'] });
  await other.call('revalidateTag', 'probe');
  await process.until('probe', undefined);
}

test('a tag that one process revalidates expires the entries of the other', async () => {
  for (const process of [one, two]) {
    await process.call('set', 'a', 1, { tags: ['posts', 'home'] });
    await process.call('set', 'b', 2, { tags: ['other'] });
    await process.call('set', 'c', 3);
  }
  await one.call('revalidateTag', ['home']);
  expect(await one.call('get', 'a')).toBeUndefined();
  await two.until('a', undefined);
  for (const process of [one, two]) {
    expect(await process.call('get', 'b')).toBe(2);
    expect(await process.call('get', 'c')).toBe(3);
  }
  await two.call('set', 'a', 4, { tags: ['home'] });
  expect(await two.call('get', 'a')).toBe(4);
});

test('a process that was cut off uses nothing tagged that is older', async () => {
  await two.call('set', 'tagged', 1, { tags: ['cut'] });
  await two.call('set', 'plain', 2);
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`,
  );
  await client.end();
  await two.until('tagged', undefined);
  expect(await two.call('get', 'plain')).toBe(2);
  await two.call('set', 'tagged', 3, { tags: ['cut'] });
  await one.call('revalidateTag', 'cut');
  await two.until('tagged', undefined);
});
