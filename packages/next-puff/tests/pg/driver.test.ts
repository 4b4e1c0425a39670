// What next-puff/pg does, against node-postgres where both have it.
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import puff, { Client, DatabaseError, Pool } from 'next-puff/pg';
import nodePostgres from 'pg';
import { RequestContext, runInContext } from '../../dist/context/index.js';
import { testServer } from './support/server.ts';
import { authority, startTlsEnd } from './support/tls-end.ts';

const server = testServer();
let pool: Pool;
let reference: nodePostgres.Pool;

beforeAll(() => {
  pool = new Pool({ connectionString: server.url });
  reference = new nodePostgres.Pool({ connectionString: server.url });
  // Its end does not wait for its sockets: some are still there when the server stops.
  reference.on('error', () => {});
});

server.beforeStop(() => pool.end());
server.beforeStop(() => reference.end());

async function failure(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome === undefined) throw new Error('it did not fail');
  return outcome as Error & Record<string, unknown>;
}

describe('the same as node-postgres', () => {
  const values = [
    "select true as a, false as b, null::bool as c, 'x'::\"char\" as d, 'n'::name as e, 'é😀'::text as f",
    'select 1::int2 as a, (-2147483648)::int4 as b, 9223372036854775807 as c, 4294967295::oid as d',
    "select 1.1::float4 as a, 0.1::float8 as b, 'NaN'::float8 as c, '-Infinity'::float8 as d, 12.50 as e",
    "select '2024-02-29'::date as a, '2024-02-29 12:34:56.789123'::timestamp as b, '12:00'::time as c",
    "select '1900-01-01 00:00:00.123456+00'::timestamptz as a, '0044-03-15 BC'::timestamptz as b",
    "select 'infinity'::timestamptz as a, '-infinity'::timestamp as b, '1 day 02:03:04.5'::interval as c",
    `select '{"a":[1,null]}'::json as a, '"x"'::jsonb as b, '\\x00ff'::bytea as c, gen_random_uuid() is null as d`,
    "select '{1,null,3}'::int[] as a, '{{a,b},{c,\"d,e\"}}'::text[] as b, '{1.5}'::numeric[] as c, '{}'::bool[] as d",
    "select '(1,2)'::point as a, '<(1,2),3>'::circle as b, '10.0.0.0/8'::cidr as c, '[1,5)'::int4range as d",
    'select 1 as a, 2 as a, 3 as "__proto__", 4 as "?column?"',
    'select 1 where false',
    'create temp table if not exists nothing (id int)',
    'select',
    '',
  ];

  test.each(values)('%s', async (text) => {
    for (const rowMode of [undefined, 'array'] as const) {
      for (const parameters of [undefined, []]) {
        for (const queryMode of [undefined, 'extended']) {
          const config = {
            text,
            values: parameters,
            rowMode,
            queryMode,
          } as nodePostgres.QueryConfig;
          const { rows, fields, rowCount, command } = await pool.query(config);
          const expected = await reference.query(config);
          expect(rows).toEqual(expected.rows);
          expect({ rowCount, command }).toEqual({
            rowCount: expected.rowCount,
            command: expected.command,
          });
          expect(fields).toEqual(expected.fields.map((field) => ({ ...field })));
        }
      }
    }
  });

  test.each([
    [new Date(1e12), '::timestamptz'],
    [new Date(-1e13), '::timestamp'],
    [[1, null, [2]].slice(0, 2), '::int[]'],
    [
      [
        ['a"b', 'c\\d'],
        ['{}', 'null'],
      ],
      '::text[]',
    ],
    [{ a: ['ä', { b: null }] }, '::jsonb'],
    [Buffer.from([0, 255, 1]), '::bytea'],
    [new Uint8Array([1, 2]), '::bytea'],
    [10n ** 17n, '::int8'],
    [0.1, '::float8'],
    [1e21, '::numeric'],
    [true, '::text'],
    [undefined, '::text'],
    [{ toPostgres: () => 'made' }, '::text'],
    [[Buffer.from('x')], '::bytea[]'],
  ])('the parameter %p%s', async (value, cast) => {
    const text = `select $1${cast} as value`;
    expect((await pool.query(text, [value])).rows).toEqual(
      (await reference.query(text, [value])).rows,
    );
  });

  test.each([
    ['selec 1', []],
    ['select $1::int', ['x']],
    ['select 1/0', []],
    ['select * from no_such_table', []],
    ['select $1::int, $2::int', [1]],
    [
      "do $$ begin raise exception using message = 'm', detail = 'd', hint = 'h', errcode = 'P0001', table = 't'; end $$",
      [],
    ],
  ])('the error of %s', async (text, parameters) => {
    const error = await failure(pool.query(text, parameters as unknown[]));
    const expected = await failure(reference.query(text, parameters as unknown[]));
    expect(error).toBeInstanceOf(DatabaseError);
    expect(error).toBeInstanceOf(nodePostgres.DatabaseError);
    const { length: _, file: __, line: ___, routine: ____, ...fields } = expected;
    expect({ ...error }).toMatchObject(fields);
    expect(error.message).toBe(expected.message);
    expect(error.stack).toContain('driver.test.ts');
  });

  test('parsers: global, of a client, of a query', async () => {
    const text = "select 5 as i, 6::int8 as big, now() as t, 'x' as s";
    puff.types.setTypeParser(23, (value) => `global ${value}`);
    try {
      expect((await pool.query(text)).rows[0]).toMatchObject({ i: 'global 5', big: '6' });
      const client = await pool.connect();
      client.setTypeParser(20, (value) => BigInt(value));
      expect((await client.query(text)).rows[0]).toMatchObject({ i: 'global 5', big: 6n });
      client.release(true);
      const types = { getTypeParser: () => (value: string) => value.length } as never;
      const own = await pool.query({ text, types });
      expect(own.rows[0]).toMatchObject({ i: 1, big: 1, s: 1 });
    } finally {
      puff.types.setTypeParser(23, (value) => Number.parseInt(value, 10));
    }
  });

  test('several statements give several results', async () => {
    const results = (await pool.query(
      'select 1 as a; select 2 as b; create temp table x ()',
    )) as never;
    expect((results as { rows: unknown }[]).map(({ rows }) => rows)).toEqual([
      [{ a: 1 }],
      [{ b: 2 }],
      [],
    ]);
  });
});

describe('beyond node-postgres', () => {
  test('without an address it is DATABASE_URL', async () => {
    const before = process.env.DATABASE_URL;
    process.env.DATABASE_URL = server.url;
    const own = new Pool();
    try {
      expect((await own.query('select current_database() as name')).rows).toEqual([
        { name: 'app' },
      ]);
    } finally {
      await own.end();
      if (before === undefined) delete process.env.DATABASE_URL;
      else process.env.DATABASE_URL = before;
    }
  });

  test('a request that ends takes its statements along, also on the server', async () => {
    const context = new RequestContext({
      kind: 'route',
      name: 'GET /',
      deadlineMs: 100,
      transaction: false,
    });
    const error = await failure(
      runInContext(context, () => pool.query('select pg_sleep(20), 4711')),
    );
    expect(error).toMatchObject({ code: 'PUFF_DEADLINE_EXCEEDED' });
    let running = 1;
    for (let round = 0; round < 100 && running > 0; round++) {
      await sleep(20);
      ({ running } = (
        await reference.query(
          `select count(*)::int as running from pg_stat_activity where state = 'active' and query like '%4711%' and pid <> pg_backend_pid()`,
        )
      ).rows[0]);
    }
    expect(running).toBe(0);
  });

  test('a killed backend fails the statement that runs there and no other', async () => {
    const own = new Pool({ connectionString: server.url, max: 4 });
    const others = Array.from({ length: 3 }, () => own.query('select pg_sleep(0.4), 1 as one'));
    const client = await own.connect();
    const { rows } = await client.query('select pg_backend_pid() as pid');
    const victim = failure(client.query('select pg_sleep(20)'));
    await sleep(100);
    await reference.query('select pg_terminate_backend($1)', [rows[0].pid]);
    expect(await victim).toMatchObject({ code: '57P01', severity: 'FATAL' });
    client.release();
    expect((await Promise.all(others)).map(({ rowCount }) => rowCount)).toEqual([1, 1, 1]);
    expect((await own.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await own.end();
  });

  test('1,000 callers share ten connections', async () => {
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, n) => pool.query('select $1::int as n', [n])),
    );
    expect(answers.map(({ rows }) => rows[0].n)).toEqual(Array.from({ length: 1000 }, (_, n) => n));
    expect(pool.totalCount).toBeLessThanOrEqual(10);
    expect(pool.waitingCount).toBe(0);
  });

  test('a definition inside a transaction outdates no statement of it', async () => {
    const client = await pool.connect();
    await client.query('create temp table shape (a int)');
    const select = () => client.query({ name: 'shape', text: 'select * from shape' });
    await client.query('begin');
    expect((await select()).fields).toHaveLength(1);
    await client.query('alter table shape add b int');
    expect((await select()).fields).toHaveLength(2);
    await client.query('commit');
    client.release();
  });

  test('with pgbouncer=true no statement has a name', async () => {
    const names = async (url: string) => {
      const client = new Client(url);
      await client.connect();
      await client.query('select $1::int as one', [1]);
      const text =
        "select count(*)::int as n from pg_prepared_statements where statement like '%as one'";
      const { rows } = await client.query(text);
      await client.end();
      return rows[0].n;
    };
    expect(await names(server.url)).toBe(1);
    const url = new URL(server.url);
    url.searchParams.set('pgbouncer', 'true');
    expect(await names(url.href)).toBe(0);
  });

  test('a transaction that is left open ends with the release', async () => {
    const own = new Pool({ connectionString: server.url, max: 1 });
    const client = await own.connect();
    await client.query('begin');
    expect(client.getTransactionStatus()).toBe('T');
    client.release();
    const next = await own.connect();
    expect(next).toBe(client);
    expect(next.getTransactionStatus()).toBe('I');
    next.release();
    expect(await failure(own.query('begin'))).toMatchObject({ code: 'PUFF_POSTGRES_UNSUPPORTED' });
    await own.end();
  });

  test('notifications reach a client also between two check-outs', async () => {
    const own = new Pool({ connectionString: server.url, max: 1 });
    const client = await own.connect();
    const heard = new Promise((resolve) => client.on('notification', resolve));
    await client.query('listen news');
    client.release();
    await reference.query("select pg_notify('news', 'hello')");
    expect(await heard).toMatchObject({ channel: 'news', payload: 'hello' });
    await own.end();
  });

  test('100 failed and cancelled statements leave no connection behind', async () => {
    const own = new Pool({ connectionString: server.url, max: 3, query_timeout: 20 } as never);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, (_, n) =>
        own.query(n % 10 === 0 ? 'select pg_sleep(5)' : `select ${n % 2} / ${n % 2}`),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(50);
    expect((await own.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect(own.totalCount).toBeLessThanOrEqual(3);
    await own.end();
  });

  test('an open client keeps the process alive, an idle pool does not', async () => {
    const program = (lines: string) =>
      promisify(execFile)(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `import pg from 'next-puff/pg'; const url = ${JSON.stringify(server.url)}; ${lines}`,
        ],
        { timeout: 5000, cwd: import.meta.dirname },
      );
    const idle = await program(`const pool = new pg.Pool({ connectionString: url });
      console.log((await pool.query('select 1 as one')).rows[0].one);`);
    expect(idle.stdout).toBe('1\n');
    const listening = await program(`const client = new pg.Client(url); await client.connect();
      client.on('notification', async ({ payload }) => { console.log(payload); await client.end(); });
      await client.query('listen life');
      setTimeout(() => pool.query("select pg_notify('life', 'heard')"), 100).unref();
      const pool = new pg.Pool({ connectionString: url });`);
    expect(listening.stdout).toBe('heard\n');
  });
});

describe('TLS', () => {
  let end: Awaited<ReturnType<typeof startTlsEnd>>;
  beforeAll(async () => {
    end = await startTlsEnd(server.url);
  });
  afterAll(() => {
    end.server.close();
  });

  const select = async (host: string, ssl: unknown) => {
    const { username, password, pathname } = new URL(server.url);
    const client = new Client({
      host,
      port: end.port,
      user: username,
      password: decodeURIComponent(password),
      database: pathname.slice(1),
      ssl: ssl as never,
    });
    await client.connect();
    const { rows } = await client.query('select 1 as one');
    await client.end();
    return rows;
  };

  test('a certificate is checked for its authority and its host', async () => {
    expect(await select('localhost', { ca: authority })).toEqual([{ one: 1 }]);
    expect((await failure(select('localhost', true))).message).toMatch(/TLS/);
    expect((await failure(select('127.0.0.1', { ca: authority }))).message).toMatch(/TLS/);
  });

  test('less is checked where the options say so', async () => {
    expect(await select('127.0.0.1', { rejectUnauthorized: false })).toEqual([{ one: 1 }]);
    const anyHost = { ca: authority, checkServerIdentity: () => undefined };
    expect(await select('127.0.0.1', anyHost)).toEqual([{ one: 1 }]);
  });

  test('what cannot be obeyed is refused', async () => {
    const refused = { code: 'PUFF_POSTGRES_CONFIG' };
    expect(await failure(select('localhost', { ca: authority, pfx: 'x' }))).toMatchObject(refused);
    const check = () => new Error('never');
    expect(await failure(select('localhost', { checkServerIdentity: check }))).toMatchObject(
      refused,
    );
    expect(() => new Client({ replication: 'database' } as never)).toThrow('replication');
  });
});
