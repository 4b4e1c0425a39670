import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { postgres } from 'next-puff/postgres';
import { answerAsk } from '../../../dist/graphql/native/operation.js';
import type { Ask } from '../../../dist/graphql/native/protocol.js';
import { answeredStatement } from '../../../dist/graphql/native/statement.js';
import { runProgram } from '../../postgres/support/program';
import { errorOf, eventually, testServer } from '../../postgres/support/server';
import { fieldsOf, parse, run, schemaOf } from './support';

const server = testServer();

const NUMBERS = schemaOf({
  sdl: `type Query { numbers(count: Int!): [Number!]! boom: Int slow: Int say(word: String): String }
        type Number { id: Int! double: Int! label: String! }`,
  fields: {
    'Query.numbers': {
      kind: 'statement',
      text: 'select n as id from generate_series(1, $1::int) n',
      params: [{ arg: { path: ['count'] } }],
    },
    'Query.boom': { kind: 'statement', text: 'select 1/0 as boom' },
    'Query.slow': { kind: 'statement', text: 'select 1 as slow, pg_sleep(60)', value: 'slow' },
    'Query.say': { kind: 'resolver' },
    'Number.double': {
      kind: 'statement',
      text: 'select n as id, n * 2 as double from unnest($1::int[]) n',
      params: [{ parent: 'id' }],
      on: [['id', 'id']],
    },
    'Number.label': { kind: 'layer' },
  },
});

function labels(ask: Ask): void {
  const { fields, rows } = fieldsOf(ask);
  answerAsk(ask.ask, {
    fields: fields.map(({ index }) => ({ index, values: rows.map((row) => `#${row.id}`) })),
  });
}

test('static layers run without JavaScript, one statement per layer', async () => {
  const result = await run(NUMBERS, {
    query: 'query ($count: Int!) { numbers(count: $count) { id double } }',
    variables: { count: 3 },
  });
  expect(result).toEqual({
    data: { numbers: [1, 2, 3].map((id) => ({ id, double: id * 2 })) },
    isExecuted: true,
    hasErrors: false,
    statements: 2,
  });
});

test('responses of any size arrive whole', async () => {
  for (const count of [0, 1, 700, 50_000]) {
    const { data } = await run(NUMBERS, `{ numbers(count: ${count}) { id } }`);
    expect(data?.numbers).toHaveLength(count);
  }
});

test('an ask has the rows of its parents, and the request in the first one', async () => {
  const asks: Ask[] = [];
  const request = {
    query: 'query Ask($count: Int!) { numbers(count: $count) { label } }',
    operationName: 'Ask',
    variables: { count: 2 },
  };
  for (let n = 0; n < 2; n++) {
    const result = await run(NUMBERS, request, {
      onAsk: (ask) => {
        asks.push(ask);
        labels(ask);
      },
    });
    expect(result.data).toEqual({ numbers: [{ label: '#1' }, { label: '#2' }] });
  }
  const [first, second] = asks.map(fieldsOf);
  expect(first).toMatchObject({
    kind: 'fields',
    type: 'Number',
    path: ['numbers'],
    parents: { rows: 2 },
    rows: [{ id: 1 }, { id: 2 }],
    transaction: undefined,
    start: { operationName: 'Ask', variables: { count: 2 }, document: { text: request.query } },
  });
  // The text crossed once; its object can be the key of what was made of it.
  expect(second?.start?.document).toBe(first?.start?.document);
});

test('answers may come in parts and late; statements are run', async () => {
  const schema = schemaOf({
    sdl: 'type Query { a: [Int!] b: String c: String }',
    fields: {
      'Query.a': { kind: 'layer' },
      'Query.b': { kind: 'resolver' },
      'Query.c': { kind: 'resolver' },
    },
  });
  const result = await run(schema, '{ a b c }', {
    onAsk: async (ask) => {
      const { fields } = fieldsOf(ask);
      const index = (name: string) => fields.find((field) => field.name === name)?.index as number;
      const statement = answeredStatement('select unnest($1::int[]) as a', [[7, 8]]);
      answerAsk(ask.ask, { fields: [{ index: index('b'), values: ['now'] }] });
      await sleep(20);
      answerAsk(ask.ask, { fields: [{ index: index('a'), statement }] });
      const failure = { message: 'No c.', code: 'NO_C', isPublic: true };
      answerAsk(ask.ask, { fields: [{ index: index('c'), failure }] });
    },
  });
  expect(result.data).toEqual({ a: [7, 8], b: 'now', c: null });
  expect(result.errors).toMatchObject([
    { message: 'No c.', path: ['c'], extensions: { code: 'NO_C' } },
  ]);
  expect(result.statements).toBe(1);
});

test('what nobody answers fails instead of hanging', async () => {
  const reports: string[] = [];
  const { data, errors } = await run(NUMBERS, '{ say }', {
    onReport: ({ failure }) => reports.push(failure.message),
  });
  expect(data).toEqual({ say: null });
  expect(errors).toHaveLength(1);
  expect(reports).toEqual([expect.stringContaining('nobody is there to answer')]);
});

test('clients do not see the messages of PostgreSQL, a listener does', async () => {
  const reports: unknown[] = [];
  const result = await run(NUMBERS, '{ boom numbers(count: 1) { id } }', {
    onReport: (report) => reports.push(report),
  });
  expect(result.data).toEqual({ boom: null, numbers: [{ id: 1 }] });
  expect(result.hasErrors).toBe(true);
  expect(JSON.stringify(result.errors)).not.toContain('zero');
  expect(reports).toMatchObject([
    {
      coordinate: 'Query.boom',
      failure: { code: 'PUFF_POSTGRES_QUERY', message: 'division by zero' },
    },
  ]);
});

test('a request that is not executed says so', async () => {
  const result = await run(NUMBERS, '{ nothing }');
  expect(result).toMatchObject({ isExecuted: false, hasErrors: true, statements: 0 });
  expect(result.data).toBeUndefined();
  expect(result.errors?.[0]?.message).toContain('nothing');
});

test('a schema that cannot be is refused with the reason', async () => {
  const bad = schemaOf({ sdl: 'type Query { a: Missing }' });
  await expect(bad.execute({ query: '{ a }' })).rejects.toMatchObject({
    code: 'PUFF_GRAPHQL_SCHEMA',
    message: expect.stringContaining('Missing'),
  });
  expect(() => schemaOf({ sdl: 'type Query { a: Int }', options: { no: 1 } }).register()).toThrow(
    /unknown field `no`/,
  );
});

test('aborting rejects with the reason and stops the statements', async () => {
  const controller = new AbortController();
  const pending = run(NUMBERS, '{ slow }', { signals: [controller.signal] });
  const sleeping = 'pg_sleep(60)';
  await eventually(async () => (await server.running(sleeping)) === 1, 'the statement runs');
  controller.abort(new Error('enough'));
  expect((await errorOf(pending)).message).toBe('enough');
  await eventually(async () => (await server.running(sleeping)) === 0, 'the statement stops');
  await eventually(() => postgres.status().idle === postgres.status().open, 'all is idle');
});

test('an operation that was aborted may still be answered', async () => {
  const controller = new AbortController();
  const asks: Ask[] = [];
  const request = { query: 'query Late { say(word: "x") }' };
  const pending = run(NUMBERS, request, {
    signals: [controller.signal],
    onAsk: (ask) => asks.push(ask),
  });
  await eventually(() => asks.length === 1, 'the ask is here');
  controller.abort(new Error('enough'));
  await errorOf(pending);
  answerAsk((asks[0] as Ask).ask, { failure: { message: 'late' } });
  // The text of a document that came with an aborted operation is known all the same.
  const result = await run(NUMBERS, request, {
    onAsk: (ask) => {
      expect(ask.start?.document.text).toBe(request.query);
      const [field] = fieldsOf(ask).fields;
      answerAsk(ask.ask, { fields: [{ index: field?.index as number, values: ['again'] }] });
    },
  });
  expect(result.data).toEqual({ say: 'again' });
});

test('a pool that was closed is opened again', async () => {
  expect((await run(NUMBERS, '{ numbers(count: 1) { id } }')).errors).toBeUndefined();
  await postgres.end();
  expect((await run(NUMBERS, '{ numbers(count: 1) { id } }')).errors).toBeUndefined();
});

test('HTTP comes in and goes out as bytes', async () => {
  const schema = schemaOf(
    {
      sdl: 'type Query { one: Int }',
      fields: { 'Query.one': { kind: 'statement', text: 'select 1 as one' } },
    },
    { csrfPrevention: true },
  );
  const body = Buffer.from(JSON.stringify({ query: '{ one }' }));
  const headers = new Headers({ 'content-type': 'application/json', 'x-other': 'y' });
  const answer = await schema.http({ method: 'POST', headers, body });
  expect(answer).toMatchObject({ status: 200, statements: 1 });
  expect(new Map(answer.headers).get('content-type')).toMatch(/^application\/json/);
  expect(parse(answer.body)).toEqual({ data: { one: 1 } });

  const search = new URLSearchParams({ query: '{ one }' }).toString();
  const foreign = new Headers({ 'sec-fetch-site': 'cross-site' });
  const refused = await schema.http({ method: 'GET', search, headers: foreign });
  expect(refused.status).toBe(400);
  expect((await schema.http({ method: 'PUT', headers })).status).toBe(405);
});

const WORKER = `
  import { NativeSchema } from '${new URL('../../../dist/graphql/native/native-schema.js', import.meta.url)}';
  const schema = new NativeSchema(() => ({
    sdl: 'type Query { a: Int slow: Int }',
    fields: {
      'Query.a': { kind: 'statement', text: 'select 1 as a' },
      'Query.slow': { kind: 'statement', text: 'select 1 as slow, pg_sleep(60)', value: 'slow' },
    },
  }), { pool: 'default' });
`;

async function program(source: string): Promise<string> {
  const { code, stdout, stderr, lingeredMs } = await runProgram(
    `import { Worker } from 'node:worker_threads';
     import { once } from 'node:events';
     import { postgres } from 'next-puff/postgres';
     const source = ${JSON.stringify(WORKER)};
     ${source}
     console.log('done');`,
    { env: { DATABASE_URL: server.url, NEXT_PUFF_CONFIG: '' } },
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(lingeredMs).toBeLessThan(2_000);
  return stdout.replace(/done\n$/, '');
}

test('a worker ends by itself when its operations have', async () => {
  const output = await program(`
    const work = "console.log(Buffer.from((await schema.execute({ query: '{ a }' })).body).toString())";
    await Promise.all([1, 2].map(() => once(new Worker(source + work, { eval: true }), 'exit')));
  `);
  expect(output).toBe('{"data":{"a":1}}\n'.repeat(2));
});

test('what a terminated worker left running is cancelled', async () => {
  const output = await program(`
    const running = async (count) => {
      for (let n = 0; n < 500; n++) {
        const [row] = await postgres.query(
          "select count(*)::int as n from pg_stat_activity where state = 'active' and query like '%as slow, pg_sleep(60)' and pid <> pg_backend_pid()");
        if (row.n === count) return count;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const stuck = new Worker(source + "schema.execute({ query: '{ slow }' });", { eval: true });
    console.log(await running(1));
    await stuck.terminate();
    console.log(await running(0));
  `);
  expect(output).toBe('1\n0\n');
});
