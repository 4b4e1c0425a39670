import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { unescapeText } from '../support/escaped-text.ts';
import { BOUNDS, HostileServer } from './hostile-server.ts';

jest.setTimeout(60_000);

let server: HostileServer;

beforeAll(async () => {
  server = await HostileServer.start();
}, 180_000);

afterEach(async () => {
  await server.expectAnswers();
  await server.expectIdle();
});

afterAll(() => server?.stop());

const SMUGGLED = 'GET /api/text?name=smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

/** Sends bytes and answers everything that comes back until the server ends the connection. */
async function exchange(bytes: string): Promise<string> {
  const connection = await server.connect();
  try {
    await connection.send(bytes);
    return (await connection.receiveRest()).toString('latin1');
  } finally {
    connection.close();
  }
}

function linesOf(file: string): string[] {
  const lines = readFileSync(join(import.meta.dirname, 'cases', file), 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

test('malformed requests are refused, and what is behind them is not answered', async () => {
  const outcomes = linesOf('refused.txt').map(async (line) => {
    const answer = await exchange(unescapeText(line.slice(4)) + SMUGGLED);
    return `${line.slice(0, 4)}${line.slice(4)} -> ${statusesOf(answer).join(' ')}`;
  });
  const expected = linesOf('refused.txt').map((line) => `${line} -> ${line.slice(0, 3)}`);
  expect(await Promise.all(outcomes)).toEqual(expected);
});

test('broken chunks end the connection, and what is behind them is not answered', async () => {
  const outcomes = linesOf('broken-bodies.txt').map(async (line) => {
    const head = 'POST /api/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    const answer = await exchange(head + unescapeText(line) + SMUGGLED);
    return `${line} -> ${statusesOf(answer).join(' ')}`;
  });
  const expected = linesOf('broken-bodies.txt').map((line) => `${line} -> 400`);
  expect(await Promise.all(outcomes)).toEqual(expected);
});

test.each([
  ['a long header', 431, `X: ${'x'.repeat(BOUNDS.headerBytes)}\r\n`],
  ['long headers', 431, `X: ${'x'.repeat(1_000)}\r\n`.repeat(20)],
  ['many headers', 431, 'X: 1\r\n'.repeat(200)],
  ['a long name', 431, `${'x'.repeat(BOUNDS.headerBytes)}: 1\r\n`],
])('%s: %i', async (_, status, headers) => {
  const answer = await exchange(`GET /api/json HTTP/1.1\r\nHost: a\r\n${headers}\r\n${SMUGGLED}`);
  expect(statusesOf(answer)).toEqual([status]);
});

test('a long URL: 414', async () => {
  const answer = await exchange(`GET /${'a'.repeat(BOUNDS.urlBytes)} HTTP/1.1\r\nHost: a\r\n\r\n`);
  expect(statusesOf(answer)[0]).toBe(414);
});

test('a header without end: 431, before it ends', async () => {
  const connection = await server.connect();
  await connection.send(`GET /api/json HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}`);
  expect((await connection.receive()).status).toBe(431);
  expect(await connection.ended()).toBe(true);
  connection.close();
});

test('a body above the limit: 413, whether it says its length or not', async () => {
  const announced = await server.connect();
  await announced.send(
    `POST /api/form HTTP/1.1\r\nHost: a\r\nContent-Length: ${BOUNDS.bodyBytes + 1}\r\n\r\n`,
  );
  expect((await announced.receive()).status).toBe(413);
  announced.close();

  const chunked = await server.connect();
  await chunked.send('POST /api/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
  for (let sent = 0; sent <= BOUNDS.bodyBytes; sent += 0x10000) await chunked.send(chunk);
  expect((await chunked.receive()).status).toBe(413);
  chunked.close();
});

test('no path leads out of the folders that are served', async () => {
  const outcomes = linesOf('traversal.txt').map(async (path) => {
    const answer = await exchange(
      `GET ${unescapeText(path)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    const [status = 0] = statusesOf(answer);
    const isSafe = status !== 200 && !/every-route-fixture-app|root:|"version":\d/.test(answer);
    return isSafe ? '' : `${path}: ${answer.slice(0, 500)}`;
  });
  expect((await Promise.all(outcomes)).filter((text) => text !== '')).toEqual([]);
});

test('refusals tell nothing about the server', async () => {
  const answer = await exchange('nonsense\r\n\r\n');
  expect(answer).not.toMatch(/hyper|tokio|rust|node|\.rs|\.js|\/work|panic/i);
});

test('the process has not ended, and nothing has panicked', () => {
  expect(server.isRunning).toBe(true);
  expect(server.output).not.toMatch(/panic/i);
});

function statusesOf(answer: string): number[] {
  return [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status));
}
