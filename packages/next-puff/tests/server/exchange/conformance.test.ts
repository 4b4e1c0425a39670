import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Case, faults, requests, responses } from './programs.ts';
import { type Run, TwoServers } from './two-servers.ts';

let servers: TwoServers;

beforeAll(async () => {
  servers = await TwoServers.start();
});
afterAll(() => servers?.stop());

const GET = 'GET /path?a=1 HTTP/1.1\r\nHost: app.example\r\n\r\n';

/** Speak of one connection, or of when. */
const OF_CONNECTION = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding']);

/**
 * What a client gets of an exchange that was destroyed before it had an answer: Node closes the
 * connection, the native server says that something went wrong.
 */
function isNoAnswer({ answer }: Run): boolean {
  return answer === 'no answer' || answer.body.toString() === 'Internal Server Error\n';
}

function comparable(run: Run): unknown {
  const { answer, seen } = run;
  if (answer === 'no answer' || isNoAnswer(run)) return { answer: 'no answer', seen };
  const { status, reason, body, trailers, interim, isComplete, headers } = answer;
  const fields = headers
    .map(([name, value]) => [name.toLowerCase(), value])
    // Whether a body that ends at once is framed by its length is no matter of the message.
    .filter(([name]) => !OF_CONNECTION.has(name as string) && name !== 'content-length');
  return {
    status,
    reason,
    fields,
    trailers: trailers.map(([name, value]) => [name.toLowerCase(), value]),
    interim,
    isComplete,
    body: body.toString('latin1'),
    seen,
  };
}

function lengthOf({ answer }: Run): string | undefined {
  if (answer === 'no answer') return undefined;
  return answer.headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
}

function compare(cases: Record<string, Case>): void {
  test.each(Object.entries(cases))('%s', async (_, { program, request = GET, act }) => {
    const { node, native } = await servers.run(program, request, act);
    expect(comparable(native)).toEqual(comparable(node));
    if (lengthOf(node) !== undefined) expect(lengthOf(native)).toBe(lengthOf(node));
  });
}

describe('requests', () => compare(requests));
describe('responses', () => compare(responses));
describe('faults', () => compare(faults));
