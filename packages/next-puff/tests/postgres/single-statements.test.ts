// An isolate that runs one statement after the other reads the answers on its own event loop.
import { expect, test } from '@jest/globals';
import { runProgram } from './support/program';
import { testServer } from './support/server';

const server = testServer();

const PRELUDE = `
  import { Worker } from 'node:worker_threads';
  import { once } from 'node:events';
  import { postgres } from 'next-puff/postgres';
  const start = (body) => new Worker(
    \`import { parentPort } from 'node:worker_threads';
     import { postgres } from 'next-puff/postgres';
     const alone = async (count) => {
       for (let n = 0; n < count; n++) {
         const [row] = await postgres\\\`select \\\${n}::int as n\\\`;
         if (row.n !== n) throw new Error('wrong');
       }
     };
     \${body}\`, { eval: true });
  /** Statements that each wait for the one before. */
  const alone = async (count) => {
    for (let n = 0; n < count; n++) {
      const [row] = await postgres\`select \${n}::int as n\`;
      if (row.n !== n) throw new Error('wrong');
    }
  };
`;

async function run(source: string): Promise<string> {
  const pools = { single: { url: server.url, maxConnections: 1 } };
  const settings = {
    postgres: { pools },
    requests: { deadlineMs: 30_000, transaction: false },
  };
  const config = JSON.stringify({ publisher: 'cli', settings });
  const { code, stdout, stderr, lingeredMs } = await runProgram(PRELUDE + source, {
    timeoutMs: 30_000,
    env: { DATABASE_URL: server.url, NEXT_PUFF_CONFIG: config },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(lingeredMs).toBeLessThan(2_000);
  return stdout.replace(/done\n$/, '');
}

test('one at a time, then many, then one at a time again', async () => {
  const output = await run(`
    for (let round = 0; round < 20; round++) {
      await alone(50);
      const rows = await Promise.all(Array.from({ length: 30 }, (_, n) => postgres\`select \${n}::int as n\`));
      if (!rows.every(([row], n) => row.n === n)) throw new Error('wrong');
      await postgres.transaction(async (tx) => {
        for (let n = 0; n < 12; n++) {
          if ((await tx\`select \${n}::int as n\`)[0].n !== n) throw new Error('wrong');
        }
      });
    }
    console.log(postgres.status().open <= 10, postgres.status().idle === postgres.status().open);
    console.log('done');
  `);
  expect(output).toBe('true true\n');
});

test('answers of any size, and errors, between small ones', async () => {
  const output = await run(`
    const lengths = [];
    for (let round = 0; round < 40; round++) {
      await alone(10);
      const [row] = await postgres\`select repeat('é', \${round * 15_000}::int) as t\`;
      lengths.push(row.t.length === round * 15_000);
      const code = await postgres.query('select 1 / 0').catch((error) => error.sqlState);
      if (code !== '22012') throw new Error(code);
    }
    console.log(lengths.every(Boolean));
    console.log('done');
  `);
  expect(output).toBe('true\n');
});

test('a signal cancels a statement that is alone, and the next one is answered', async () => {
  const output = await run(`
    for (let round = 0; round < 5; round++) {
      await alone(20);
      const signal = AbortSignal.timeout(30);
      const name = await postgres.query("select pg_sleep(30), 'alone'", [], { signal }).catch((error) => error.name);
      if (name !== 'TimeoutError') throw new Error(name);
    }
    const running = "select count(*)::int as n from pg_stat_activity where state = 'active' and query like '%pg_sleep(30)%' and pid <> pg_backend_pid()";
    while ((await postgres.query(running))[0].n > 0);
    console.log('cancelled');
    console.log('done');
  `);
  expect(output).toBe('cancelled\n');
});

test('a server process that is killed ends its statement with an error, or goes unnoticed while idle', async () => {
  const output = await run(`
    const kill = (pid) => start(\`
      // A statement that has hardly begun would be repeated on another connection.
      await postgres.query('select pg_sleep(0.3), pg_terminate_backend($1)', [\${pid}]);
      await postgres.end();
      parentPort.postMessage('killed');\`);
    const pool = postgres.pool('single');
    const pidOf = async () => {
      let pid;
      for (let n = 0; n < 20; n++) [{ pid }] = await pool.query('select pg_backend_pid() as pid');
      return pid;
    };
    const first = await pidOf();
    await once(kill(first), 'message');
    const second = await pidOf();
    console.log(first !== second);
    const failed = pool.query('select pg_sleep(30)').catch((error) => error.code);
    await once(kill(second), 'message');
    console.log(await failed);
    console.log((await pidOf()) !== second);
    console.log('done');
  `);
  const lines = output.trim().split('\n');
  expect(lines[0]).toBe('true');
  expect(lines[1]).toMatch(/^PUFF_POSTGRES_/);
  expect(lines[2]).toBe('true');
});

test('a blocked event loop does not keep the connection from other threads', async () => {
  const output = await run(`
    const worker = start(\`
      const pool = postgres.pool('single');
      parentPort.postMessage('ready');
      parentPort.once('message', async (state) => {
        const [row] = await pool.query('select 7 as n');
        state[1] = row.n;
        Atomics.store(state, 0, 1);
        Atomics.notify(state, 0);
      });\`);
    await once(worker, 'message');
    const pool = postgres.pool('single');
    for (let n = 0; n < 50; n++) await pool.query('select 1');
    const state = new Int32Array(new SharedArrayBuffer(8));
    worker.postMessage(state);
    console.log(Atomics.wait(state, 0, 0, 10_000), state[1]);
    for (let n = 0; n < 50; n++) await pool.query('select 1');
    console.log('done');
  `);
  expect(output).toMatch(/^(ok|not-equal) 7\n$/);
});

test('threads that end, or are terminated, leave their connection to the others', async () => {
  const output = await run(`
    for (let round = 0; round < 6; round++) {
      const worker = start(\`
        await alone(100);
        parentPort.postMessage('busy');
        if (\${round} % 2 === 0) await alone(1_000_000);\`);
      const exit = once(worker, 'exit');
      await once(worker, 'message');
      if (round % 2 === 0) await worker.terminate();
      await exit;
      await alone(30);
    }
    const rows = await Promise.all(Array.from({ length: 100 }, (_, n) => postgres\`select \${n}::int as n\`));
    console.log(rows.every(([row], n) => row.n === n), postgres.status().open <= 10);
    console.log('done');
  `);
  expect(output).toBe('true true\n');
});
