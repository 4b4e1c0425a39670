import { expect, test } from '@jest/globals';
import { runProgram } from './support/program';
import { eventually, testServer } from './support/server';

const server = testServer();

const IMPORT = `import { postgres, sql } from 'next-puff/postgres';`;
const COUNT = `select count(*)::int as n from pg_stat_activity where application_name = 'next-puff'`;

/** Runs a program that is expected to end by itself, and gives what it printed. */
async function run(source: string, flags: string[] = [], timeoutMs = 20_000): Promise<string> {
  const { code, stdout, stderr, lingeredMs } = await runProgram(source, {
    flags,
    timeoutMs,
    env: { DATABASE_URL: server.url, NEXT_PUFF_CONFIG: '' },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(lingeredMs).toBeLessThan(2_000);
  return stdout.replace(/done\n$/, '');
}

test('no connection before the first query', async () => {
  const output = await run(`
    ${IMPORT}
    sql\`select 1\`;
    postgres.pool('default');
    console.log(postgres.status().open);
    await new Promise((resolve) => setTimeout(resolve, 100));
    console.log(postgres.status().open);
    const [before] = await postgres.query(${JSON.stringify(COUNT)});
    console.log(before.n >= 1, postgres.status().open >= 1);
    console.log('done');
  `);
  expect(output).toBe('0\n0\ntrue true\n');
  await eventually(async () => (await server.connections()) === 0, 'no connection is left');
});

test('a process that only imports it ends', async () => {
  expect(await run(`${IMPORT} console.log('done')`)).toBe('');
});

test('it ends by itself after queries, with connections that are idle', async () => {
  const output = await run(`
    ${IMPORT}
    await Promise.all(Array.from({ length: 50 }, (_, n) => postgres\`select \${n}::int, pg_sleep(0.002)\`));
    await postgres.transaction((tx) => tx\`select 1\`);
    for await (const batch of postgres.stream('select 1')) batch;
    await postgres.query('select 1 / 0').catch(() => {});
    console.log(postgres.status().idle > 1);
    console.log('done');
  `);
  expect(output).toBe('true\n');
});

test('a query that is waited for keeps it alive, one whose caller gave up does not', async () => {
  expect(
    await run(`
      ${IMPORT}
      postgres\`select pg_sleep(0.3), 'kept alive' as text\`.then(([row]) => console.log(row.text, 'done'));
    `),
  ).toBe('kept alive ');
  expect(
    await run(`
      ${IMPORT}
      const signal = AbortSignal.timeout(100);
      await postgres.query('select pg_sleep(30)', [], { signal }).catch((error) => console.log(error.name));
      console.log('done');
    `),
  ).toBe('TimeoutError\n');
});

test('an unreachable server does not keep it alive', async () => {
  const output = await run(`
    process.env.DATABASE_URL = 'postgres://app@127.0.0.1:1/app';
    ${IMPORT}
    await postgres\`select 1\`.catch((error) => console.log(error.code));
    console.log('done');
  `);
  expect(output).toBe('PUFF_POSTGRES_UNAVAILABLE\n');
});

test('process.exit in the middle of queries', async () => {
  await run(`
    ${IMPORT}
    for (let n = 0; n < 20; n++) void postgres\`select pg_sleep(1)\`;
    setTimeout(() => { console.log('done'); process.exit(0); }, 100);
  `);
});

test('end(), and use again', async () => {
  const output = await run(`
    ${IMPORT}
    await postgres\`select 1\`;
    await postgres.end();
    await postgres.end();
    console.log((await postgres\`select 2 as n\`)[0].n);
    await postgres.end();
    console.log('done');
  `);
  expect(output).toBe('2\n');
  await eventually(async () => (await server.connections()) === 0, 'no connection is left');
});

test('two copies of the module share pool, boundary and transactions', async () => {
  const output = await run(`
    ${IMPORT}
    const copy = await import(import.meta.resolve('next-puff/postgres').replace('index.js', 'postgres.js') + '?copy');
    const sqlCopy = await import(import.meta.resolve('next-puff/postgres').replace('index.js', 'sql.js') + '?copy');
    console.log(copy.postgres !== postgres, sqlCopy.sql !== sql);
    await postgres\`select 1\`;
    console.log(copy.postgres.status().open === postgres.status().open);
    console.log(await postgres.query(sql\`select \${sqlCopy.sql\`\${1}::int + 1\`} as n, \${sqlCopy.sql.json([1])}::jsonb as j\`));
    const [[one], [two]] = await postgres.transaction(async () => [
      await postgres\`select txid_current() as id\`,
      await copy.postgres\`select txid_current() as id\`,
    ]);
    console.log(one.id === two.id);
    console.log('done');
  `);
  expect(output).toBe(`true true\ntrue\n[ { n: 2, j: [ 1 ] } ]\ntrue\n`);
});

test('100,000 statements, aborted transactions and dropped cursors leave no connection and no memory', async () => {
  const output = await run(
    `
    ${IMPORT}
    const aborted = () => postgres.transaction(async (tx) => {
      await tx\`select 1\`;
      throw new Error('aborted');
    }).catch(() => {});
    const dropped = async (n) => {
      for await (const rows of postgres.stream(sql\`select i from generate_series(1, \${n}::int + 50) i\`, { batchSize: 10 })) {
        if (rows.length > 0) return;
      }
    };
    const cancelled = () => {
      const controller = new AbortController();
      setImmediate(() => controller.abort());
      return postgres.query('select pg_sleep(10)', [], { signal: controller.signal }).catch(() => {});
    };
    const one = (n, i) => {
      if (i % 20 === 1) return aborted();
      if (i % 20 === 2) return dropped(n);
      if (i === 3) return cancelled();
      if (i % 10 === 4) return postgres.transaction((tx) => tx\`select \${n + i}::int as n, 'text' as t\`);
      if (i % 10 === 5) return postgres.query('select 1 / 0').catch(() => {});
      if (i % 10 === 6) return postgres.query('select 1', [], { signal: new AbortController().signal });
      return postgres\`select \${n + i}::int as n, repeat('x', 1000) as t, now() as d\`;
    };
    const round = async (statements) => {
      for (let n = 0; n < statements; n += 100) {
        await Promise.all(Array.from({ length: 100 }, (_, i) => one(n, i)));
      }
      gc();
      return process.memoryUsage.rss() / 1024 / 1024;
    };
    const sizes = [];
    while (sizes.length < 7) sizes.push(await round(20_000));
    // After two rounds the heap has its size; the least of a few, because what it keeps for later comes and goes.
    const grown = Math.min(...sizes.slice(4)) - Math.min(...sizes.slice(2, 4));
    const [{ n }] = await postgres.query(${JSON.stringify(COUNT)});
    const lent = () => postgres.status().open - postgres.status().idle;
    // Whoever cancels a statement does not wait for the server.
    for (let tries = 0; lent() > 0 && tries < 500; tries++) await new Promise((resolve) => setTimeout(resolve, 10));
    console.log(JSON.stringify({ n, lent: lent(), grown }));
    console.log('done');
  `,
    ['--expose-gc'],
    150_000,
  );
  const { n, lent, grown } = JSON.parse(output);
  expect(n).toBeLessThanOrEqual(10);
  expect(lent).toBe(0);
  expect(grown).toBeLessThan(10);
}, 180_000);
