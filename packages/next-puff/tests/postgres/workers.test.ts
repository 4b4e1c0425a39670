import { expect, test } from '@jest/globals';
import { runProgram } from './support/program';
import { eventually, testServer } from './support/server';

const server = testServer();

/** The beginning of programs that start workers; a worker's code follows two imports. */
const PRELUDE = `
  import { Worker } from 'node:worker_threads';
  import { once } from 'node:events';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { postgres } from 'next-puff/postgres';
  // Modules too: workers inherit --input-type.
  const start = (body) => new Worker(
    \`import { parentPort } from 'node:worker_threads';
     import { postgres } from 'next-puff/postgres';
     \${body}\`, { eval: true });
  const allIdle = async () => {
    for (let n = 0; n < 200 && postgres.status().idle < postgres.status().open; n++) await sleep(10);
    return postgres.status().idle === postgres.status().open;
  };
  const pids = \`[...new Set((await Promise.all(Array.from({ length: 20 }, () =>
    postgres.query('select pg_backend_pid() as pid, pg_sleep(0.01)')))).map(([row]) => row.pid))]\`;
`;

async function run(source: string, timeoutMs = 20_000): Promise<string> {
  const { code, stdout, stderr, lingeredMs } = await runProgram(PRELUDE + source, {
    timeoutMs,
    env: { DATABASE_URL: server.url, NEXT_PUFF_CONFIG: '' },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(lingeredMs).toBeLessThan(2_000);
  return stdout.replace(/done\n$/, '');
}

test('a worker ends by itself after its queries, and then the process', async () => {
  const output = await run(`
    const worker = start("parentPort.postMessage(await postgres.query('select 1 as n'))");
    const [[message], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
    console.log(message[0].n, code);
    console.log('done');
  `);
  expect(output).toBe('1 0\n');
});

test('threads share one pool', async () => {
  const output = await run(`
    const workers = [1, 2, 3].map(() => start(\`
      parentPort.postMessage(\${pids});
      await new Promise((resolve) => parentPort.once('message', resolve));\`));
    const used = (await Promise.all(workers.map((worker) => once(worker, 'message')))).flat(2);
    const own = await eval(\`(async () => \${pids})()\`);
    console.log(new Set([...used, ...own]).size <= 10, postgres.status().open);
    for (const worker of workers) worker.postMessage('end');
    await Promise.all(workers.map((worker) => once(worker, 'exit')));
    console.log((await postgres\`select 1 as n\`)[0].n, postgres.status().open);
    console.log('done');
  `);
  expect(output).toBe('true 10\n1 10\n');
});

test('a pool that another thread closed is opened again', async () => {
  const output = await run(`
    await postgres\`select 1\`;
    await once(start('await postgres.query("select 1"); await postgres.end();'), 'exit');
    console.log((await postgres\`select 2 as n\`)[0].n);
    console.log('status', postgres.status().open > 0);
    console.log('done');
  `);
  expect(output).toBe('2\nstatus true\n');
});

test('terminate() in the middle of a query cancels it and leaves the pool whole', async () => {
  const output = await run(`
    const worker = start(\`
      setTimeout(() => parentPort.postMessage('running'), 150);
      await Promise.all(Array.from({ length: 10 }, () => postgres.query("select pg_sleep(30), 'of the worker'")));\`);
    await once(worker, 'message');
    const waiting = postgres\`select 1 as n\`;
    await worker.terminate();
    console.log((await waiting)[0].n);
    const rows = await Promise.all(Array.from({ length: 100 }, (_, n) => postgres\`select \${n}::int as n\`));
    console.log(rows.every(([row], n) => row.n === n), postgres.status().open <= 10, postgres.status().waiting);
    console.log('done');
  `);
  expect(output).toBe('1\ntrue true 0\n');
  await eventually(async () => (await server.running('of the worker')) === 0, 'all are cancelled');
});

test('terminate() in the middle of a transaction rolls it back and gives the connection back', async () => {
  await server.inspect('create table thing (id int)');
  const output = await run(`
    const workers = Array.from({ length: 10 }, (_, n) => start(\`
      await postgres.transaction(async (tx) => {
        await tx.query('insert into thing values (\${n})');
        parentPort.postMessage('inserted');
        await new Promise(() => setInterval(() => {}, 1000));
      });\`));
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    const waiting = postgres\`select count(*)::int as n from thing\`;
    await sleep(50);
    console.log('waiting', postgres.status().waiting);
    await Promise.all(workers.map((worker) => worker.terminate()));
    console.log((await waiting)[0].n);
    console.log((await Promise.all(Array.from({ length: 50 }, () => postgres\`select 1 as n\`))).length);
    console.log(await allIdle());
    console.log('done');
  `);
  expect(output).toBe('waiting 1\n0\n50\ntrue\n');
});

test('terminate() while a statement of a transaction runs', async () => {
  const output = await run(`
    const worker = start(\`
      setTimeout(() => parentPort.postMessage('running'), 150);
      await postgres.transaction((tx) => tx.query("select pg_sleep(30), 'in a transaction'"));\`);
    await once(worker, 'message');
    await worker.terminate();
    console.log(await allIdle());
    console.log('done');
  `);
  expect(output).toBe('true\n');
  expect(await server.running('in a transaction')).toBe(0);
});

test('terminate() in the middle of a stream', async () => {
  const output = await run(`
    const worker = start(\`
      for await (const batch of postgres.stream('select n from generate_series(1, 10000000) n', [], { batchSize: 100 })) {
        parentPort.postMessage('batch');
      }\`);
    await once(worker, 'message');
    await worker.terminate();
    console.log((await postgres\`select 1 as n\`)[0].n, await allIdle());
    console.log('done');
  `);
  expect(output).toBe('1 true\n');
});

test('threads that come and go, some of them terminated, while the main thread works', async () => {
  const output = await run(
    `
    let isOver = false;
    let answered = 0;
    const own = Promise.all(Array.from({ length: 5 }, async () => {
      while (!isOver) {
        const [row] = await postgres\`select \${answered}::int as n, repeat('é', 3000) as t\`;
        if (row.t.length !== 3000) throw new Error('wrong');
        answered++;
      }
    }));
    for (let round = 0; round < 12; round++) {
      const workers = Array.from({ length: 4 }, () => start(\`
        for (let n = 0; n < 1000; n++) {
          await Promise.all([postgres.query('select $1::int as n', [n]), postgres.transaction((tx) => tx.query('select 1'))]);
          if (n === 3) parentPort.postMessage('busy');
        }\`));
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    isOver = true;
    await own;
    const { open, waiting } = postgres.status();
    console.log(answered > 100, open <= 10, await allIdle(), waiting);
    console.log('done');
  `,
    30_000,
  );
  expect(output).toBe('true true true 0\n');
}, 40_000);
