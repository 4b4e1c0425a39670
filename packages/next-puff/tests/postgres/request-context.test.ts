import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, test } from '@jest/globals';
import { ClientDisconnectedError, DeadlineExceededError } from 'next-puff/errors';
import { type Postgres, postgres } from 'next-puff/postgres';
import { RequestContext, runInContext } from '../../dist/context/index.js';
import { errorOf, eventually, testServer } from './support/server';

const server = testServer();

beforeEach(() =>
  postgres.script('drop table if exists note; create table note (id int primary key)'),
);

const stored = async () =>
  (await server.inspect<{ id: number }>('select id from note order by id')).map(({ id }) => id);

/** Opens a context as the wrappers of handlers do. */
function open(options: { deadlineMs?: number; transaction?: boolean } = {}): RequestContext {
  const { deadlineMs = 0, transaction = false } = options;
  return new RequestContext({
    kind: 'route',
    name: 'GET /test',
    deadlineMs,
    transaction: transaction ? { isolation: 'repeatable read' } : false,
  });
}

/** Runs a handler to its end, as the wrappers do. */
async function handle<T>(context: RequestContext, handler: () => Promise<T>): Promise<T> {
  let value: T;
  try {
    value = await runInContext(context, handler);
  } catch (error) {
    context.deactivate();
    await context.settle('failure');
    throw error;
  }
  context.deactivate();
  await context.settle('success');
  return value;
}

test('the request’s signal cancels what runs, also what waits for a connection', async () => {
  const pool = server.pool({ maxConnections: 1 });
  const context = open();
  const reason = new ClientDisconnectedError('gone');
  const failing = errorOf(
    handle(context, () =>
      Promise.all([pool`select pg_sleep(30), 'mine'`, errorOf(pool`select 'queued'`)]),
    ),
  );
  await eventually(async () => (await server.running('mine')) === 1, 'it runs');
  context.abort(reason);
  expect(await failing).toBe(reason);
  await eventually(async () => (await server.running('mine')) === 0, 'it is cancelled');
  expect(await pool`select 1 as n`).toEqual([{ n: 1 }]);
});

test('at the deadline its queries are cancelled', async () => {
  const failure = await errorOf(
    handle(open({ deadlineMs: 100 }), () => postgres`select pg_sleep(30), 'too long'`),
  );
  expect(failure).toBeInstanceOf(DeadlineExceededError);
  await eventually(async () => (await server.running('too long')) === 0, 'it is cancelled');
});

test('an aborted request starts no query', async () => {
  const context = open();
  const reason = new ClientDisconnectedError('gone');
  context.abort(reason);
  const uses: ((pool: Postgres) => Promise<unknown>)[] = [
    (pool) => pool`insert into note values (1)`,
    (pool) => pool.script('insert into note values (1)'),
    (pool) => pool.transaction((tx) => tx`insert into note values (1)`),
    (pool) => pool.stream('insert into note values (1)').next(),
  ];
  for (const use of uses) {
    expect(await errorOf(runInContext(context, () => use(postgres)))).toBe(reason);
  }
  expect(await stored()).toEqual([]);
});

test('a query can have a signal of its own beside it', async () => {
  const context = open();
  const controller = new AbortController();
  const reason = new Error('its own');
  const failing = errorOf(
    handle(context, () => postgres.query(`select pg_sleep(30)`, [], { signal: controller.signal })),
  );
  setTimeout(() => controller.abort(reason), 30);
  expect(await failing).toBe(reason);
  expect(context.signal.aborted).toBe(false);
});

test('without the option, each statement is for itself', async () => {
  await errorOf(
    handle(open(), async () => {
      await postgres`insert into note values (1)`;
      throw new Error('no');
    }),
  );
  expect(await stored()).toEqual([1]);
});

test('its transaction begins with the first statement and commits with the handler', async () => {
  const context = open({ transaction: true });
  await handle(context, async () => {
    expect(await server.openTransactions()).toBe(0);
    await Promise.all([1, 2].map((id) => postgres`insert into note values (${id})`));
    expect(await postgres`show transaction_isolation`).toEqual([
      { transaction_isolation: 'repeatable read' },
    ]);
    expect(await server.openTransactions()).toBe(1);
    expect(await stored()).toEqual([]);
  });
  expect(await stored()).toEqual([1, 2]);
  expect(await server.openTransactions()).toBe(0);
});

test('a handler that throws rolls it back', async () => {
  const reason = new Error('no');
  const failure = await errorOf(
    handle(open({ transaction: true }), async () => {
      await postgres`insert into note values (1)`;
      throw reason;
    }),
  );
  expect(failure).toBe(reason);
  expect(await stored()).toEqual([]);
  expect(await server.openTransactions()).toBe(0);
});

test('an error that the handler swallowed makes the request fail', async () => {
  const failure = await errorOf(
    handle(open({ transaction: true }), async () => {
      await postgres`insert into note values (1)`;
      await postgres`insert into note values (1)`.catch(() => {});
    }),
  );
  expect(failure).toMatchObject({ sqlState: '25P02', cause: { sqlState: '23505' } });
  expect(await stored()).toEqual([]);
});

test('transaction() inside of it is a savepoint', async () => {
  await handle(open({ transaction: true }), async () => {
    await postgres`insert into note values (1)`;
    await postgres
      .transaction(async (tx) => {
        await tx`insert into note values (2)`;
        throw new Error('undo');
      })
      .catch(() => {});
    await Promise.all(
      [3, 4].map((id) => postgres.transaction((tx) => tx`insert into note values (${id})`)),
    );
    expect(await stored()).toEqual([]);
  });
  expect(await stored()).toEqual([1, 3, 4]);
});

test('a stream is part of it', async () => {
  const seen = await handle(open({ transaction: true }), async () => {
    await postgres`insert into note values (1)`;
    const ids: unknown[] = [];
    for await (const batch of postgres.stream('select id from note')) ids.push(...batch);
    return ids;
  });
  expect(seen).toEqual([{ id: 1 }]);
});

test('each pool has its own', async () => {
  const other = server.pool({ maxConnections: 1 });
  await errorOf(
    handle(open({ transaction: true }), async () => {
      await postgres`insert into note values (1)`;
      await other`insert into note values (2)`;
      expect(await server.openTransactions()).toBe(2);
      throw new Error('no');
    }),
  );
  expect(await stored()).toEqual([]);
  expect(await server.openTransactions()).toBe(0);
});

test('a disconnect rolls it back at once, while the handler goes on', async () => {
  const context = open({ transaction: true });
  const reason = new ClientDisconnectedError('gone');
  const failure = await errorOf(
    handle(context, async () => {
      await postgres`insert into note values (1)`;
      context.abort(reason);
      await eventually(async () => (await server.openTransactions()) === 0, 'it is rolled back');
      await postgres`insert into note values (2)`;
    }),
  );
  expect(failure).toBe(reason);
  expect(await stored()).toEqual([]);
});

test('a request without a statement opens no transaction', async () => {
  const pool = server.pool();
  await handle(open({ transaction: true }), async () => {});
  expect(pool.status().open).toBe(0);
});

test('work after the end belongs to no request: no signal, no transaction', async () => {
  const context = open({ transaction: true });
  let after: Promise<unknown> | undefined;
  await handle(context, async () => {
    await postgres`insert into note values (1)`;
    after = sleep(20).then(async () => {
      context.abort(new ClientDisconnectedError('too late'));
      await postgres`insert into note values (2)`;
      await postgres.transaction((tx) => tx`insert into note values (3)`);
    });
  });
  await after;
  expect(await stored()).toEqual([1, 2, 3]);
});

test('contexts at the same time do not share transactions', async () => {
  await Promise.all(
    Array.from({ length: 20 }, (_, id) =>
      handle(open({ transaction: true }), async () => {
        await postgres`insert into note values (${id})`;
        await sleep(id % 4);
        const others = (
          await postgres<{ id: number }>`select id from note where id <> ${id}`
        ).filter((other) => other.id % 2 === 1);
        expect(others).toEqual([]);
        if (id % 2 === 1) throw new Error('odd');
      }).catch((error: Error) => expect(error.message).toBe('odd')),
    ),
  );
  expect(await stored()).toEqual(Array.from({ length: 10 }, (_, n) => 2 * n));
});
