import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import { postgres } from 'next-puff/postgres';
import { pubsub } from 'next-puff/pubsub';

const PROGRAM = fileURLToPath(new URL('other-process.mjs', import.meta.url));

let database: TemporaryPostgres;
let other: ChildProcess;
let lines: Interface;

beforeAll(async () => {
  database = await startTemporaryPostgres();
  process.env.DATABASE_URL = database.url;
  other = spawn(process.execPath, [PROGRAM], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, DATABASE_URL: database.url },
  });
  lines = createInterface(other.stdout as NodeJS.ReadableStream);
  expect(await once(lines, 'line')).toEqual(['listening']);
}, 60_000);

afterAll(async () => {
  other.kill();
  await database.stop();
});

test('two processes on one database hear each other, whatever the messages are', async () => {
  const heard = pubsub.subscribe('echo');
  await heard.ready();
  const long = 'é'.repeat(10_000);
  pubsub.publish('to the other', 'text');
  pubsub.publish('to the other', { nul: '\0', list: [1] });
  pubsub.publish('to the other', new Uint8Array([0, 1, 255]));
  pubsub.publish('to the other', long);

  const echoes = [];
  for (let count = 0; count < 4; count++) echoes.push(await heard.receive());
  expect(echoes.map((echo) => echo?.kind)).toEqual(['text', 'json', 'binary', 'text']);
  expect(echoes[0]?.text).toBe('text');
  expect(echoes[1]?.json()).toEqual({ nul: '\0', list: [1] });
  expect(echoes[2]?.bytes).toEqual(new Uint8Array([0, 1, 255]));
  expect(echoes[3]?.text).toBe(long);
  // The other process published under the id of its connection.
  expect(new Set(echoes.map((echo) => echo?.sender)).size).toBe(1);
  expect(echoes[0]?.sender).toMatch(/^[\da-f-]{36}$/);
  heard.close();
});

test('a lost connection is made again, and its listeners are told of the gap', async () => {
  const gap = new Promise<void>((resolve) => {
    pubsub.subscribe('echo', { onGap: resolve });
  });
  const ended = await postgres`
    select pg_terminate_backend(pid) from pg_stat_activity
    where application_name like '% listener'`;
  expect(ended.length).toBeGreaterThanOrEqual(2);
  await gap;
  // The other process has its gap, too: it answers once it listens again.
  const heard = pubsub.subscribe('echo');
  await heard.ready();
  let isHeard = false;
  const answer = heard.receive().then(() => {
    isHeard = true;
  });
  while (!isHeard) {
    pubsub.publish('to the other', 'are you there?');
    await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 50))]);
  }
  heard.close();
});
