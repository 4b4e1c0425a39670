import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, testServer } from '../../postgres/support/server.ts';
import { HostileServer } from './hostile-server.ts';
import { BAD, HOSTILE_REQUESTS, type HostileRequest } from './requests.ts';

/** No request may take longer, whatever it asks for; far more than any needs on a busy machine. */
const BOUND_MS = 3_000;
/** How much resident memory may grow while all requests are sent ten times. */
const GROWTH_BYTES = 48 * 1024 * 1024;

const postgres = testServer();
let server: HostileServer;

beforeAll(async () => {
  await postgres.inspect(
    'create table item (id int primary key, title text not null, parent_id int)',
  );
  await postgres.inspect(
    `insert into item select n, 'item ' || n, nullif(n / 3, 0) from generate_series(1, 3000) n`,
  );
  server = await HostileServer.start(postgres.url);
}, 60_000);
afterAll(() => server?.stop());

const NORMAL = JSON.stringify({ query: '{ items(first: 3) { id title children { id } } }' });

/** An ordinary request of somebody else. */
async function expectService(): Promise<void> {
  const { status, text } = await server.send(NORMAL);
  expect({ status, data: JSON.parse(text).data.items[0] }).toEqual({
    status: 200,
    data: { id: 1, title: 'item 1', children: [{ id: 3 }, { id: 4 }, { id: 5 }] },
  });
}

async function expectRefusal({ name, body, statuses, isAnswered }: HostileRequest): Promise<void> {
  const { status, text, tookMs } = await server.send(body());
  const { data, errors } = JSON.parse(text) as { data?: unknown; errors?: { message: string }[] };
  expect({
    name,
    status,
    text: text.slice(0, 300),
    isFine: statuses.includes(status),
  }).toMatchObject({ isFine: true });
  if (isAnswered) {
    expect(data).toBeTruthy();
  } else {
    expect({ name, data }).toEqual({ name, data: undefined });
    expect(errors?.length).toBeGreaterThan(0);
    // The answer to a large request is not large itself.
    expect({ name, isShort: text.length < 50_000 }).toEqual({ name, isShort: true });
    for (const { message } of errors ?? []) expect(message).toMatch(/\w{3}/);
  }
  expect({ name, isTimely: tookMs < BOUND_MS, tookMs }).toMatchObject({ isTimely: true });
}

test.each(HOSTILE_REQUESTS)('$name', async (request) => {
  await Promise.all([expectRefusal(request), expectService()]);
  expect({ isAlive: server.isAlive, log: server.log() }).toMatchObject({ isAlive: true });
});

test('without limits the engine itself holds', async () => {
  const unlimited = await HostileServer.start(postgres.url, { LIMITS: 'none' });
  try {
    for (const { name, body, needsLimits } of HOSTILE_REQUESTS) {
      if (needsLimits) continue;
      const answer = await unlimited.send(body()).catch((error: unknown) => ({
        status: 0,
        tookMs: 0,
        text: String(error),
      }));
      const { status, tookMs } = answer;
      const isAnswered = [200, ...BAD].includes(status);
      const isTimely = tookMs < 2 * BOUND_MS;
      expect({ name, status, tookMs, isAnswered, isTimely }).toMatchObject({
        isAnswered: true,
        isTimely: true,
      });
    }
  } finally {
    await unlimited.stop();
  }
}, 120_000);

test('a body that ends before its length', async () => {
  for (let round = 0; round < 50; round++) {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      'POST /graphql HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"query":"{ __typename',
    );
    await sleep(2);
    socket.destroy();
  }
  await expectService();
});

test('a body that never comes', async () => {
  const sockets = Array.from({ length: 100 }, () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      'POST /graphql HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{',
    );
    return socket;
  });
  await expectService();
  for (const socket of sockets) socket.destroy();
  await expectService();
});

test('a URL of 60 KB', async () => {
  const query = encodeURIComponent(`{ echo(text: "${'x'.repeat(60_000)}") }`);
  const response = await fetch(`http://127.0.0.1:${server.port}/graphql?query=${query}`);
  expect([200, 400, 403, 414, 431]).toContain(response.status);
  await expectService();
});

test('memory stays where it was, however often they come', async () => {
  const small = HOSTILE_REQUESTS.filter((it) => it.body().length < 2_000_000);
  const round = async () => {
    for (const request of small) await server.send(request.body());
    await expectService();
  };
  for (let warmUp = 0; warmUp < 3; warmUp++) await round();
  const before = await server.residentMemory();
  for (let repetition = 0; repetition < 10; repetition++) await round();
  const after = await server.residentMemory();
  expect(after - before).toBeLessThan(GROWTH_BYTES);
}, 300_000);

test('many different documents do not fill the memory', async () => {
  const send = (from: number) =>
    Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        server.send(
          JSON.stringify({
            query: `{ a${from + index}: __typename ${'b: __typename '.repeat(500)}}`,
          }),
        ),
      ),
    );
  for (let from = 0; from < 3_000; from += 100) await send(from);
  const before = await server.residentMemory();
  for (let from = 3_000; from < 9_000; from += 100) await send(from);
  const after = await server.residentMemory();
  expect(after - before).toBeLessThan(GROWTH_BYTES);
}, 300_000);

/** How many `pg_sleep` statements run in the database. */
const sleeping = () => postgres.running('pg_sleep');

test.each([
  ['a query', '{ slow(seconds: 60) }'],
  ['a mutation', 'mutation { slowWrite(seconds: 60) }'],
  ['several at once', '{ a: slow(seconds: 60) b: slow(seconds: 60) c: slow(seconds: 60) }'],
])('a client that goes away cancels its statements: %s', async (_what, query) => {
  const gone = server.send(JSON.stringify({ query }), { timeoutMs: 1_000 }).catch(() => 'gone');
  await eventually(async () => (await sleeping()) > 0, 'it runs');
  expect(await gone).toBe('gone');
  await eventually(async () => (await sleeping()) === 0, 'it is cancelled');
  await expectService();
});

test('the time of an operation is bounded, in the database and in JavaScript', async () => {
  const impatient = await HostileServer.start(postgres.url, { TIMEOUT_MS: '400' });
  try {
    for (const query of [
      '{ slow(seconds: 60) }',
      '{ slowInJavaScript }',
      '{ slowInJavaScript slow(seconds: 60) }',
    ]) {
      const { text, tookMs } = await impatient.send(JSON.stringify({ query }));
      const { errors } = JSON.parse(text);
      expect({ query, text, hasErrors: errors?.length > 0 }).toMatchObject({ hasErrors: true });
      expect(tookMs).toBeLessThan(2_000);
      await eventually(async () => (await sleeping()) === 0, 'it is cancelled');
    }
  } finally {
    await impatient.stop();
  }
});

test('1,000 clients that go away leave no connection and no statement behind', async () => {
  const body = JSON.stringify({ query: '{ slow(seconds: 0.05) items { id children { id } } }' });
  const outcomes = await Promise.all(
    Array.from({ length: 1_000 }, (_, index) =>
      server.send(body, { timeoutMs: 1 + (index % 50) }).then(
        () => 'answered',
        () => 'gone',
      ),
    ),
  );
  expect(outcomes).toContain('gone');
  await eventually(async () => (await sleeping()) === 0, 'all is cancelled');
  await eventually(async () => (await postgres.openTransactions()) === 0, 'no transaction is open');
  await expectService();
}, 60_000);
