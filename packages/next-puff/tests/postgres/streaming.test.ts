import { beforeAll, expect, test } from '@jest/globals';
import { postgres, sql } from 'next-puff/postgres';
import { runProgram } from './support/program';
import { errorOf, eventually, testServer } from './support/server';

const server = testServer();

beforeAll(() => postgres.script('create table number as select n from generate_series(1, 2500) n'));

/** Reads a stream to its end. */
async function collect<T>(stream: AsyncIterable<T[]>): Promise<T[][]> {
  const batches: T[][] = [];
  for await (const batch of stream) batches.push(batch);
  return batches;
}

test.each([
  [undefined, [1000, 1000, 500]],
  [1000, [1000, 1000, 500]],
  [2500, [2500]],
  [2499, [2499, 1]],
  [10_000, [2500]],
])('batches of %p', async (batchSize, lengths) => {
  const options = batchSize === undefined ? {} : { batchSize };
  const batches = await collect(
    postgres.stream<{ n: number }>('select n from number order by n', [], options),
  );
  expect(batches.map((batch) => batch.length)).toEqual(lengths);
  expect(batches.flat().map(({ n }) => n)).toEqual(Array.from({ length: 2500 }, (_, n) => n + 1));
});

test('with values, as arrays, from a template', async () => {
  const byText = postgres.stream('select n, $2::text from number where n <= $1', [2, 'é'], {
    rowMode: 'array',
  });
  expect(await collect(byText)).toEqual([
    [
      [1, 'é'],
      [2, 'é'],
    ],
  ]);
  const byTemplate = postgres.stream(sql`select n from number where n = ${7}`);
  expect(await collect(byTemplate)).toEqual([[{ n: 7 }]]);
});

test('nothing to read', async () => {
  expect(await collect(postgres.stream('select n from number where false'))).toEqual([]);
});

test('nothing runs before the first batch is asked for', async () => {
  const pool = server.pool();
  pool.stream('select 1');
  expect(pool.status().open).toBe(0);
});

test('leaving early gives the connection back', async () => {
  const pool = server.pool({ maxConnections: 1 });
  for (let round = 0; round < 20; round++) {
    for await (const batch of pool.stream('select n from number, generate_series(1, 100)', [], {
      batchSize: 10,
    })) {
      expect(batch).toHaveLength(10);
      if (round % 2 === 0) break;
      await errorOf(
        (async () => {
          for await (const _ of pool.stream('select 1', [], { signal: AbortSignal.timeout(5) })) {
          }
        })(),
      );
      break;
    }
  }
  expect(await pool`select 1 as n`).toEqual([{ n: 1 }]);
  expect(pool.status()).toMatchObject({ open: 1, waiting: 0 });
});

test('a stream that was begun and forgotten by throwing gives the connection back', async () => {
  const pool = server.pool({ maxConnections: 1 });
  const failure = await errorOf(
    (async () => {
      for await (const _ of pool.stream('select n from number', [], { batchSize: 1 })) {
        throw new Error('of the reader');
      }
    })(),
  );
  expect(failure.message).toBe('of the reader');
  expect(await pool`select 1 as n`).toEqual([{ n: 1 }]);
});

test('an error in the middle comes after the batches before it', async () => {
  const pool = server.pool({ maxConnections: 1 });
  const read: unknown[] = [];
  const failure = await errorOf(
    (async () => {
      const text = 'select 1 / (n - 25) as quotient from generate_series(1, 100) n';
      for await (const batch of pool.stream(text, [], { batchSize: 10 })) read.push(...batch);
    })(),
  );
  expect(failure).toMatchObject({ code: 'PUFF_POSTGRES_QUERY', sqlState: '22012' });
  expect(read).toHaveLength(20);
  expect(await pool`select 1 as n`).toEqual([{ n: 1 }]);
});

test('an error before the first row', async () => {
  const failure = await errorOf(postgres.stream('select * from missing').next());
  expect(failure).toMatchObject({ sqlState: '42P01' });
  expect(failure.stack).toContain('streaming.test.ts');
});

test('an abort ends it and cancels in PostgreSQL', async () => {
  const pool = server.pool({ maxConnections: 1 });
  const controller = new AbortController();
  const reason = new Error('enough');
  const text = `select n, pg_sleep(case when n > 10 then 30 else 0 end), 'streamed' from generate_series(1, 100) n`;
  const failure = await errorOf(
    (async () => {
      for await (const batch of pool.stream<{ n: number }>(text, [], {
        batchSize: 5,
        signal: controller.signal,
      })) {
        if (batch[0]?.n === 6) setTimeout(() => controller.abort(reason), 50);
      }
    })(),
  );
  expect(failure).toBe(reason);
  await eventually(async () => (await server.running('streamed')) === 0, 'it is cancelled');
  expect(await pool`select 1 as n`).toEqual([{ n: 1 }]);
});

test('inside a transaction it sees what the transaction did, and others may run meanwhile', async () => {
  const ids = await postgres.transaction(async (tx) => {
    await tx`create temporary table item on commit drop as select n as id from generate_series(1, 50) n`;
    const read: number[] = [];
    const outer = tx.stream<{ id: number }>('select id from item order by id', [], {
      batchSize: 20,
    });
    for await (const batch of outer) {
      const inner = await collect(tx.stream('select id from item', [], { batchSize: 30 }));
      expect(inner.map((part) => part.length)).toEqual([30, 20]);
      await tx`select 1`;
      read.push(...batch.map(({ id }) => id));
    }
    return read;
  });
  expect(ids).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
});

test('leaving early inside a transaction closes the cursor and lets it go on', async () => {
  const names = await postgres.transaction(async (tx) => {
    for await (const _ of tx.stream('select n from number', [], { batchSize: 5 })) break;
    return tx`select name from pg_cursors where name <> ''`;
  });
  expect(names).toEqual([]);
});

test('several at once', async () => {
  const totals = await Promise.all(
    Array.from({ length: 30 }, async () => {
      let total = 0;
      for await (const batch of postgres.stream('select n from number', [], { batchSize: 100 })) {
        total += batch.length;
      }
      return total;
    }),
  );
  expect(totals).toEqual(new Array(30).fill(2500));
});

test('a statement that changes rows takes effect when it is read to the end', async () => {
  await postgres.script('create table written (n int)');
  const text = 'insert into written select n from generate_series(1, 30) n returning n';
  await collect(postgres.stream(text, [], { batchSize: 10 }));
  expect(await postgres.first('select count(*)::int as n from written')).toEqual({ n: 30 });
});

test.each([0, -1, 1.5, Number.NaN, 1_000_001])(
  'a batchSize of %p is refused',
  async (batchSize) => {
    const failure = await errorOf(postgres.stream('select 1', [], { batchSize }).next());
    expect(failure).toMatchObject({ code: 'PUFF_POSTGRES_STREAM' });
  },
);

test('a million rows take little memory', async () => {
  const { stdout, stderr, code } = await runProgram(
    `
    import { postgres } from 'next-puff/postgres';
    const read = async (rows) => {
      let count = 0, most = 0;
      const text = "select n, 'some text of row ' || n as name from generate_series(1, $1::int) n";
      for await (const batch of postgres.stream(text, [rows])) {
        count += batch.length;
        if (count % 50_000 === 0) { gc(); most = Math.max(most, process.memoryUsage.rss()); }
      }
      return { count, most };
    };
    const warm = await read(100_000);
    const { count, most } = await read(1_000_000);
    console.log(JSON.stringify({ count, grownMB: (most - warm.most) / 1024 / 1024 }));
    `,
    { flags: ['--expose-gc'], env: { DATABASE_URL: server.url } },
  );
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  const { count, grownMB } = JSON.parse(stdout);
  expect(count).toBe(1_000_000);
  expect(grownMB).toBeLessThan(30);
});
