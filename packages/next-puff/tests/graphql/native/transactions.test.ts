import { expect, test } from '@jest/globals';
import { postgres } from 'next-puff/postgres';
import { answerAsk } from '../../../dist/graphql/native/operation.js';
import type { Ask, JsonValue } from '../../../dist/graphql/native/protocol.js';
import { Database } from '../../../dist/postgres/database.js';
import { errorOf, eventually, testServer } from '../../postgres/support/server';
import { fieldsOf, run, schemaOf } from './support';

const server = testServer();
const database = new Database('default');

const SDL = `
  type Query { count: Int! mine: String }
  type Mutation { add(id: Int!): Int work(name: String): String }
`;
const FIELDS = {
  'Query.count': { kind: 'statement', text: 'select count(*)::int as count from entries' },
  'Query.mine': { kind: 'statement', text: `select current_setting('app.user', true) as mine` },
  'Mutation.add': {
    kind: 'statement',
    text: 'insert into entries values ($1) returning id as add',
    params: [{ arg: { path: ['id'] } }],
    value: 'add',
  },
  'Mutation.work': { kind: 'resolver' },
};
const schema = schemaOf({ sdl: SDL, fields: FIELDS });

async function entries(): Promise<number[]> {
  const rows = await server.inspect<{ id: number }>('select id from entries order by id');
  return rows.map(({ id }) => id);
}

async function clear(): Promise<void> {
  await server.inspect('create table if not exists entries (id int)');
  await server.inspect('truncate entries');
}

/** Answers each field with what a resolver returns, which runs in the operation's transaction. */
function resolving(resolve: (name: string | undefined) => Promise<JsonValue>): (ask: Ask) => void {
  return (ask) => {
    const [field] = fieldsOf(ask).fields;
    const { index = 0, args } = field ?? {};
    const work = () => resolve(args?.name as string | undefined);
    const result = ask.transaction === undefined ? work() : database.within(ask.transaction, work);
    result.then(
      (value) => answerAsk(ask.ask, { fields: [{ index, values: [value] }] }),
      (error: Error) =>
        answerAsk(ask.ask, { fields: [{ index, failure: { message: error.message } }] }),
    );
  };
}

const noReport = () => {};

test("resolvers' statements commit with the mutation", async () => {
  await clear();
  const { data } = await run(schema, 'mutation { add(id: 1) work later: add(id: 3) }', {
    onAsk: resolving(async () => {
      expect(await postgres.query('select id from entries')).toEqual([{ id: 1 }]);
      expect(await entries()).toEqual([]);
      await postgres.transaction(() => postgres.query('insert into entries values (2)'));
      const [row] =
        await postgres`select pg_backend_pid()::text as pid, txid_current()::text as id`;
      return `${row?.pid}`;
    }),
  });
  expect(data).toEqual({ add: 1, work: expect.stringMatching(/^\d+$/), later: 3 });
  expect(await entries()).toEqual([1, 2, 3]);
  expect(await server.openTransactions()).toBe(0);
});

test("a resolver's statement may begin the transaction", async () => {
  await clear();
  const { data } = await run(schema, 'mutation { work add(id: 2) }', {
    onAsk: resolving(async () => {
      await postgres`insert into entries values (1)`;
      return 'first';
    }),
  });
  expect(data).toEqual({ work: 'first', add: 2 });
  expect(await entries()).toEqual([1, 2]);
});

test("an error rolls back what resolvers' statements did", async () => {
  await clear();
  const { errors } = await run(schema, 'mutation { add(id: 1) work }', {
    onReport: noReport,
    onAsk: resolving(async () => {
      await postgres`insert into entries values (2)`;
      throw new Error('no');
    }),
  });
  expect(errors).toHaveLength(1);
  expect(await entries()).toEqual([]);
  expect(await server.openTransactions()).toBe(0);
});

test('a statement that failed in secret is told of at the end', async () => {
  await clear();
  const result = await run(schema, 'mutation { add(id: 1) work }', {
    onReport: noReport,
    onAsk: resolving(async () => {
      await postgres`select 1/0`.catch(() => {});
      return 'as if nothing had happened';
    }),
  });
  expect(result.hasErrors).toBe(true);
  expect(result.data).toBeNull();
  expect(await entries()).toEqual([]);
});

test('savepoints of resolvers undo only their own', async () => {
  await clear();
  const { errors } = await run(schema, 'mutation { add(id: 1) work }', {
    onAsk: resolving(async () => {
      const failed = postgres.transaction(async () => {
        await postgres`insert into entries values (2)`;
        throw new Error('undo');
      });
      expect((await errorOf(failed)).message).toBe('undo');
      return 'done';
    }),
  });
  expect(errors).toBeUndefined();
  expect(await entries()).toEqual([1]);
});

test('a mutation that makes no statement takes no connection', async () => {
  const pool = server.pool();
  const unused = schemaOf({ sdl: SDL, fields: FIELDS }, undefined, 'pool-1');
  const { data } = await run(unused, 'mutation { work }', {
    onAsk: resolving(async () => 'nothing done'),
  });
  expect(data).toEqual({ work: 'nothing done' });
  expect(pool.status().open).toBe(0);
  expect((await run(unused, 'mutation { add(id: 1) }')).data).toEqual({ add: 1 });
  expect(pool.status().open).toBe(1);
  await pool.end();
});

test('a transaction is over when its operation is', async () => {
  await clear();
  let late: Promise<unknown> | undefined;
  let go = () => {};
  await run(schema, 'mutation { work }', {
    onAsk: resolving(async () => {
      await postgres`insert into entries values (1)`;
      const gate = new Promise<void>((resolve) => {
        go = resolve;
      });
      late = gate.then(() => postgres.query('insert into entries values (2)'));
      return 'done';
    }),
  });
  go();
  // Not in the transaction any more: a statement of its own, as everywhere else.
  await late;
  expect(await entries()).toEqual([1, 2]);
  expect(await server.openTransactions()).toBe(0);
});

test('an aborted mutation is rolled back and its connection given back', async () => {
  await clear();
  const controller = new AbortController();
  const pending = run(schema, 'mutation { add(id: 1) work }', {
    signals: [controller.signal],
    onAsk: resolving(async () => {
      await postgres`insert into entries values (2)`;
      controller.abort(new Error('enough'));
      return 'too late';
    }),
  });
  expect((await errorOf(pending)).message).toBe('enough');
  await eventually(() => postgres.status().idle === postgres.status().open, 'all is idle');
  expect(await entries()).toEqual([]);
});

test('settings hold for one operation, for statements of resolvers too', async () => {
  await clear();
  const secured = schemaOf({ sdl: SDL, fields: FIELDS, options: { hasSettings: true } });
  const answering =
    (user: string, resolve: ReturnType<typeof resolving>) =>
    (ask: Ask): void => {
      if (ask.kind === 'settings') answerAsk(ask.ask, { settings: { 'app.user': user } });
      else resolve(ask);
    };
  const current = resolving(async () => {
    const [row] = await postgres`select current_setting('app.user', true) as user`;
    return row?.user as string;
  });
  const asked = await Promise.all(
    ['ann', 'bob', 'eve'].map(async (user) => {
      const { data } = await run(secured, '{ mine }', { onAsk: answering(user, current) });
      return data?.mine;
    }),
  );
  expect(asked).toEqual(['ann', 'bob', 'eve']);
  const { data } = await run(secured, 'mutation { work }', { onAsk: answering('zoe', current) });
  expect(data).toEqual({ work: 'zoe' });
  expect((await run(schema, '{ mine }')).data?.mine || null).toBeNull();
});

test('sessions are given back, operation after operation', async () => {
  await clear();
  for (let round = 0; round < 200; round++) {
    await run(schema, 'mutation { work add(id: 1) }', {
      onReport: noReport,
      onAsk: resolving(async () => {
        await postgres`insert into entries values (2)`;
        if (round % 2) throw new Error('odd');
        return 'even';
      }),
    });
  }
  expect(await server.openTransactions()).toBe(0);
  const { open, idle, maxConnections } = postgres.status();
  expect(idle).toBe(open);
  expect(open).toBeLessThanOrEqual(maxConnections);
});
