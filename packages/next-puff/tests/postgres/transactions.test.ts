import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, test } from '@jest/globals';
import { type PostgresTransaction, postgres } from 'next-puff/postgres';
import { errorOf, eventually, testServer } from './support/server';

const server = testServer();

beforeEach(() =>
  postgres.script('drop table if exists note; create table note (id int primary key)'),
);

/** What others see. */
const stored = async () =>
  (await server.inspect<{ id: number }>('select id from note order by id')).map(({ id }) => id);

test('it commits when the function returns, and returns its value', async () => {
  const value = await postgres.transaction(async (tx) => {
    await tx`insert into note values (1)`;
    await tx.query('insert into note values ($1)', [2]);
    expect(await stored()).toEqual([]);
    return 'value';
  });
  expect(value).toBe('value');
  expect(await stored()).toEqual([1, 2]);
});

test('it rolls back when the function throws, and throws the same', async () => {
  const reason = new Error('no');
  const failure = await errorOf(
    postgres.transaction(async (tx) => {
      await tx`insert into note values (1)`;
      throw reason;
    }),
  );
  expect(failure).toBe(reason);
  expect(await stored()).toEqual([]);
  expect(await server.openTransactions()).toBe(0);
});

test('the error of a statement leaves it', async () => {
  const failure = await errorOf(
    postgres.transaction(async (tx) => {
      await tx`insert into note values (1)`;
      await tx`insert into note values (1)`;
    }),
  );
  expect(failure).toMatchObject({ sqlState: '23505', constraint: 'note_pkey' });
  expect(await stored()).toEqual([]);
});

test('an error that was swallowed makes the commit fail', async () => {
  const failure = await errorOf(
    postgres.transaction(async (tx) => {
      await tx`insert into note values (1)`;
      await tx`select 1 / 0`.catch(() => {});
    }),
  );
  expect(failure).toMatchObject({ code: 'PUFF_POSTGRES_QUERY', sqlState: '25P02' });
  expect(failure.message).toMatch(/rolled back.*\n.*savepoint/s);
  expect(failure.cause).toMatchObject({ sqlState: '22012' });
  expect(await stored()).toEqual([]);
});

test('statements after a swallowed error are PostgreSQL’s to refuse', async () => {
  await errorOf(
    postgres.transaction(async (tx) => {
      await tx`select 1 / 0`.catch(() => {});
      expect(await errorOf(tx`select 1`)).toMatchObject({ sqlState: '25P02' });
    }),
  );
});

test('a savepoint undoes what it did and the transaction goes on', async () => {
  await postgres.transaction(async (tx) => {
    await tx`insert into note values (1)`;
    const failure = await errorOf(
      tx.savepoint(async (inner) => {
        await inner`insert into note values (2)`;
        await inner`insert into note values (1)`;
      }),
    );
    expect(failure).toMatchObject({ sqlState: '23505' });
    await tx.savepoint(async (inner) => {
      await inner`insert into note values (3)`;
      await inner.savepoint((innermost) => innermost`insert into note values (4)`);
    });
  });
  expect(await stored()).toEqual([1, 3, 4]);
});

test('a transaction inside another is a savepoint of it', async () => {
  await postgres.transaction(async (tx) => {
    await tx`insert into note values (1)`;
    await errorOf(
      postgres.transaction(async (inner) => {
        await inner`insert into note values (2)`;
        throw new Error('only the inner one');
      }),
    );
    expect(
      await postgres.transaction((inner) => inner`select count(*)::int as n from note`),
    ).toEqual([{ n: 1 }]);
  });
  expect(await stored()).toEqual([1]);
  const refused = await errorOf(
    postgres.transaction(() => postgres.transaction(async () => {}, { isolation: 'serializable' })),
  );
  expect(refused).toMatchObject({ code: 'PUFF_POSTGRES_TRANSACTION' });
});

test('what uses the pool inside of it is part of it', async () => {
  const insert = (id: number) => postgres`insert into note values (${id})`;
  await errorOf(
    postgres.transaction(async () => {
      await insert(1);
      await Promise.all([insert(2), sleep(5).then(() => insert(3))]);
      expect(await postgres`select id from note order by id`).toEqual([
        { id: 1 },
        { id: 2 },
        { id: 3 },
      ]);
      for await (const batch of postgres.stream('select id from note'))
        expect(batch).toHaveLength(3);
      expect(await stored()).toEqual([]);
      throw new Error('undo');
    }),
  );
  expect(await stored()).toEqual([]);
});

test('another pool inside of it is not', async () => {
  const other = server.pool({ maxConnections: 1 });
  await errorOf(
    postgres.transaction(async () => {
      await other`insert into note values (1)`;
      throw new Error('undo');
    }),
  );
  expect(await stored()).toEqual([1]);
});

test('transactions at the same time do not see each other', async () => {
  await Promise.all(
    Array.from({ length: 30 }, (_, id) =>
      postgres.transaction(async (tx) => {
        await tx`insert into note values (${id})`;
        await sleep(id % 3);
        expect(await postgres`select id from note where id >= 0`).toContainEqual({ id });
        if (id % 2 === 1) throw new Error('odd');
      }),
    ).map((transaction) => transaction.catch(() => {})),
  );
  expect(await stored()).toEqual(Array.from({ length: 15 }, (_, n) => n * 2));
});

test('on a pool of one they take turns', async () => {
  const pool = server.pool({ maxConnections: 1 });
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, id) =>
      pool.transaction(async (tx) => {
        const before = await tx.first<{ n: number }>('select count(*)::int as n from note');
        await tx`insert into note values (${id})`;
        return before?.n;
      }),
    ),
  );
  expect(results).toEqual(Array.from({ length: 20 }, (_, n) => n));
});

test.each([
  ['read committed', 'read committed'],
  ['repeatable read', 'repeatable read'],
  ['serializable', 'serializable'],
  ['read uncommitted', 'read uncommitted'],
] as const)('isolation %s', async (isolation, shown) => {
  const rows = await postgres.transaction((tx) => tx`show transaction_isolation`, { isolation });
  expect(rows).toEqual([{ transaction_isolation: shown }]);
});

test('an isolation level that is none is refused', async () => {
  const isolation = 'serializable; drop table note' as 'serializable';
  const failure = await errorOf(postgres.transaction(async () => {}, { isolation }));
  expect(failure).toMatchObject({ code: 'PUFF_POSTGRES_TRANSACTION' });
  expect(failure.message).toMatch(/read committed, repeatable read/);
});

test('serializable transactions that collide: one fails with 40001', async () => {
  const both = await Promise.allSettled(
    [1, 2].map((id) =>
      postgres.transaction(
        async (tx) => {
          await tx`select count(*) from note`;
          await sleep(50);
          await tx`insert into note values (${id})`;
        },
        { isolation: 'serializable' },
      ),
    ),
  );
  const failed = both.filter((outcome) => outcome.status === 'rejected');
  expect(failed).toHaveLength(1);
  expect(failed[0]?.reason).toMatchObject({ sqlState: '40001' });
});

test('read only', async () => {
  const failure = await errorOf(
    postgres.transaction((tx) => tx`insert into note values (1)`, { readOnly: true }),
  );
  expect(failure).toMatchObject({ sqlState: '25006' });
  await postgres.transaction((tx) => tx`select 1`, {
    isolation: 'serializable',
    readOnly: true,
    deferrable: true,
  });
});

test('statements after the end are refused', async () => {
  let kept: PostgresTransaction | undefined;
  await postgres.transaction(async (tx) => {
    kept = tx;
  });
  const after = [
    () => kept?.query('select 1'),
    () => kept?.script('select 1'),
    () => kept?.stream('select 1').next(),
    () => kept?.savepoint(async () => {}),
  ];
  for (const use of after) {
    const failure = await errorOf(use() as Promise<unknown>);
    expect(failure).toMatchObject({ code: 'PUFF_POSTGRES_CLOSED' });
    expect(failure.message).toMatch(/transaction is over.*\n.*Await/s);
  }
});

test('a statement that nobody awaited still runs before the commit', async () => {
  await postgres.transaction(async (tx) => {
    void tx`insert into note values (1)`;
  });
  expect(await stored()).toEqual([1]);
});

test('a statement that nobody awaited and that fails makes the commit fail', async () => {
  let unawaited: Promise<unknown> | undefined;
  const failure = await errorOf(
    postgres.transaction(async (tx) => {
      unawaited = errorOf(tx`select 1 / 0`);
    }),
  );
  expect(failure).toMatchObject({ sqlState: '25P02', cause: { sqlState: '22012' } });
  expect(await unawaited).toMatchObject({ sqlState: '22012' });
});

test('an abort in the middle gives the connection back and rolls back', async () => {
  const pool = server.pool({ maxConnections: 1 });
  const controller = new AbortController();
  const reason = new Error('enough');
  const failing = errorOf(
    pool.transaction(
      async (tx) => {
        await tx`insert into note values (1)`;
        await tx`select pg_sleep(30)`;
      },
      { signal: controller.signal },
    ),
  );
  await eventually(async () => (await server.running('pg_sleep')) === 1, 'it runs');
  controller.abort(reason);
  expect(await failing).toBe(reason);
  expect(await pool`select id from note`).toEqual([]);
  expect(await server.running('pg_sleep')).toBe(0);
});

test('an abort between statements gives the connection back, whatever the function still does', async () => {
  const pool = server.pool({ maxConnections: 1 });
  const controller = new AbortController();
  const reason = new Error('enough');
  let later: Promise<unknown> | undefined;
  const failing = errorOf(
    pool.transaction(
      async (tx) => {
        await tx`insert into note values (1)`;
        controller.abort(reason);
        expect(await pool`select count(*)::int as n from note`).toEqual([{ n: 0 }]);
        later = errorOf(tx`select 1`);
        await later;
      },
      { signal: controller.signal },
    ),
  );
  expect(await failing).toBe(reason);
  expect(await later).toBe(reason);
  expect(await stored()).toEqual([]);
});

test('a deadlock surfaces as 40P01 in one of the two', async () => {
  await postgres.script('insert into note values (1), (2)');
  const lock = (first: number, second: number) =>
    postgres.transaction(async (tx) => {
      await tx`select 1 from note where id = ${first} for update`;
      await sleep(100);
      await tx`select 1 from note where id = ${second} for update`;
    });
  const outcomes = await Promise.allSettled([lock(1, 2), lock(2, 1)]);
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(failed).toHaveLength(1);
  expect(failed[0]?.reason).toMatchObject({ sqlState: '40P01' });
  expect(failed[0]?.reason.detail).toMatch(/waits for/);
});

test('when the connection dies, the first error is that, and the pool goes on', async () => {
  const failure = await errorOf(
    postgres.transaction(async (tx) => {
      const [row] = await tx<{ pid: number }>`select pg_backend_pid() as pid`;
      await server.inspect('select pg_terminate_backend($1)', [row?.pid]);
      await tx.savepoint((inner) => inner`select 1`);
    }),
  );
  expect(failure).toMatchObject({ code: 'PUFF_POSTGRES_CONNECTION_LOST' });
  expect(await postgres`select 1 as n`).toEqual([{ n: 1 }]);
});

test('an error in a savepoint whose connection has died is not replaced', async () => {
  const reason = new Error('the first');
  const failure = await errorOf(
    postgres.transaction((tx) =>
      tx.savepoint(async (inner) => {
        const [row] = await inner<{ pid: number }>`select pg_backend_pid() as pid`;
        await server.inspect('select pg_terminate_backend($1)', [row?.pid]);
        await sleep(50);
        throw reason;
      }),
    ),
  );
  expect(failure).toBe(reason);
});

test('savepoints at the same time run one after another', async () => {
  await postgres.transaction(async (tx) => {
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4].map((id) =>
        postgres.transaction(async () => {
          await postgres`insert into note values (${id})`;
          await tx.savepoint((inner) => inner`insert into note values (${10 + id})`);
          await sleep(5);
          if (id === 2) throw new Error('undo');
        }),
      ),
    );
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
  });
  expect(await stored()).toEqual([1, 3, 4, 11, 13, 14]);
});

test('savepoints inside those of another pool’s transaction', async () => {
  const other = server.pool();
  await postgres.transaction((tx) =>
    tx.savepoint(() =>
      other.transaction((otherTx) =>
        otherTx.savepoint(() => tx.savepoint((inner) => inner`insert into note values (1)`)),
      ),
    ),
  );
  expect(await stored()).toEqual([1]);
});

test.each(['commit', 'rollback'])(
  '%s by hand is refused, and nothing runs after it outside of a transaction',
  async (end) => {
    const failure = await errorOf(
      postgres.transaction(async (tx) => {
        await errorOf(tx.query(end));
        await tx`insert into note values (1)`;
      }),
    );
    expect(failure).toMatchObject({ code: 'PUFF_POSTGRES_CLOSED' });
    expect(await stored()).toEqual([]);
    expect(await server.openTransactions()).toBe(0);
  },
);
