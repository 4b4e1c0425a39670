import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import type { TaskStatus } from 'next-puff/tasks';
import { type Cli, cleanUp, eventually } from '../../cli/support/cli.ts';
import { resultOf, schedule, TasksApp } from './tasks-app.ts';

// `next dev` compiles what is asked for.
jest.setTimeout(120_000);
const PREPARED_MS = 240_000;
const ON_ANY_PORT = ['-p', '0', '-H', '127.0.0.1'];

let database: TemporaryPostgres;
let app: TasksApp;

beforeAll(async () => {
  database = await startTemporaryPostgres();
  app = new TasksApp(database.url);
  // The build needs no database.
  const { code, stdout, stderr } = await app.run(['build'], { DATABASE_URL: '' });
  if (code !== 0) throw new Error(`next-puff build failed:\n${stdout}${stderr}`);
}, PREPARED_MS);

afterAll(async () => {
  await cleanUp();
  app?.remove();
  await database?.stop();
});

const isRunning = async (id: string) => (await app.show(id)).state === 'running';

describe('a built app', () => {
  let server: Cli;
  let origin: string;
  beforeAll(async () => {
    server = app.start('server', ['start', ...ON_ANY_PORT]);
    origin = await server.address();
  }, PREPARED_MS);

  test('runs what a route schedules, with the code of the app', async () => {
    const id = await schedule(origin, { to: 'Ada' });
    const task = 'tasks/mail#sendMail';
    expect(await resultOf(origin, id)).toMatchObject({ text: 'hello Ada', task, by: 'server' });
  });

  test('runs what a request schedules as a part of its trace', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const id = await schedule(origin, { to: 'Ida' }, { traceparent });
    expect(await resultOf(origin, id)).toMatchObject({ trace: traceparent });
  });

  test('runs the schedules of files that only taskRoutes() brings in', async () => {
    const { ticks } = app;
    await eventually(() => app.ticks >= ticks + 2, 'the schedule runs again');
  });

  test('shows jobs on the command line, cancels them and runs them again', async () => {
    const gate = app.gate('cancelled');
    const id = await schedule(origin, { to: 'Bob', gate: gate.path });
    await eventually(() => isRunning(id), 'the job runs');
    const list = ['list', '--task', 'tasks/mail#sendMail', '--state', 'running'];
    const { jobs } = await app.tasks<{ jobs: TaskStatus[] }>(...list);
    expect(jobs.map((job) => job.id)).toEqual([id]);

    expect(await app.tasks('cancel', id)).toEqual({ [id]: true });
    expect(await app.show(id)).toMatchObject({ state: 'cancelled' });
    expect((await app.run(['tasks', 'cancel', id])).code).toBe(1);

    gate.open();
    expect(await app.tasks('retry', id)).toEqual({ [id]: true });
    expect(await resultOf(origin, id)).toMatchObject({ text: 'hello Bob' });
    expect(await app.show(id)).toMatchObject({ state: 'completed', result: { text: 'hello Bob' } });
    const unknown = await app.run(['tasks', 'show', 'default:nothing']);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('there is no job')]);
  });

  test('counts its runs and the jobs of its queues among the numbers of the server', async () => {
    const gate = app.gate('counted');
    const id = await schedule(origin, { to: 'Joe', gate: gate.path });
    const numbers = async () => (await fetch(`${origin}/metrics`)).text();
    // The jobs are counted again because they are read.
    await eventually(
      async () =>
        /^puff_tasks_jobs\{queue="default",state="running"\} [1-9]/m.test(await numbers()),
      'a running job is counted',
    );
    expect(await numbers()).toMatch(/^puff_tasks_running [1-9]/m);
    const runs = async () => {
      const name = 'puff_tasks_runs_total{task="tasks/mail#sendMail",outcome="completed"} ';
      return Number((await numbers()).split(name)[1]?.split('\n')[0]);
    };
    const before = await runs();
    gate.open();
    await resultOf(origin, id);
    expect(await runs()).toBe(before + 1);
    expect(await numbers()).toContain(`puff_tasks_run_seconds_count{task="tasks/mail#sendMail"} `);
  });

  test('finishes at SIGTERM what runs', async () => {
    const gate = app.gate('finished');
    const id = await schedule(origin, { to: 'Eve', gate: gate.path });
    await eventually(() => isRunning(id), 'the job runs');
    server.kill('SIGTERM');
    await eventually(() => refuses(origin), 'the server takes no requests');
    expect(await isRunning(id)).toBe(true);
    gate.open();
    expect((await server.outcome()).code).toBe(143);
    expect(await app.show(id)).toMatchObject({
      state: 'completed',
      starts: 1,
      result: { text: 'hello Eve', by: 'server' },
    });
  });
});

describe('a worker beside a server that does not work', () => {
  let origin: string;
  beforeAll(async () => {
    const server = app.start('server', ['start', ...ON_ANY_PORT], { FIXTURE_WORKER: 'off' });
    origin = await server.address();
  }, PREPARED_MS);
  afterAll(cleanUp);

  async function startWorker(name: string): Promise<Cli> {
    const env = { FIXTURE_WORKER: 'off', FIXTURE_SHUTDOWN_MS: '200' };
    const worker = app.start(name, ['worker', '--health-port', '0'], env);
    await eventually(() => {
      if (worker.process.exitCode !== null) throw new Error(`ended: ${worker.stderr}`);
      return /health on :\d+/.test(worker.stderr + worker.stdout);
    }, 'the worker works');
    return worker;
  }

  test('runs jobs, and gives back at SIGTERM what another one then runs', async () => {
    const early = await schedule(origin, { to: 'Ann' });
    const first = await startWorker('first');
    expect(await resultOf(origin, early)).toMatchObject({ text: 'hello Ann', by: 'first' });

    const gate = app.gate('given-back');
    const id = await schedule(origin, { to: 'Kim', gate: gate.path });
    await eventually(() => isRunning(id), 'the job runs');
    first.kill('SIGTERM');
    expect((await first.outcome()).code).toBe(143);
    expect(await app.show(id)).toMatchObject({ state: 'waiting', starts: 1, failures: 0 });

    gate.open();
    await startWorker('second');
    expect(await resultOf(origin, id)).toMatchObject({ text: 'hello Kim', by: 'second' });
    expect(await app.show(id)).toMatchObject({ starts: 2, failures: 0 });
  });

  test('answers whether it works, and what it has done', async () => {
    const worker = await startWorker('healthy');
    const [, port] = /health on :(\d+)/.exec(worker.stderr + worker.stdout) ?? [];
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    const numbers = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(numbers).toMatch(/^puff_tasks_jobs\{queue="default",state="completed"\} [1-9]/m);
  });
});

describe('in development', () => {
  afterEach(cleanUp);

  test('changed code runs in the next job', async () => {
    const server = app.start('dev', ['dev', ...ON_ANY_PORT]);
    const origin = await server.address();
    const textNow = async () =>
      (await resultOf(origin, await schedule(origin, { to: 'Lee' }))).text;
    expect(await textNow()).toBe('hello Lee');
    app.edit('lib/greeting.ts', 'hello', 'good morning');
    await eventually(async () => (await textNow()) === 'good morning Lee', 'new code runs');
    const { ticks } = app;
    await eventually(() => app.ticks > ticks, 'schedules run in development');
  });

  test('changed code begins when no run of the former code is at work any more', async () => {
    const server = app.start('dev', ['dev', ...ON_ANY_PORT]);
    const origin = await server.address();
    const gate = app.gate('former');
    const former = await schedule(origin, { to: 'Max', gate: gate.path });
    await eventually(() => app.runs.some(({ id }) => id === former), 'the former code runs');
    const { greeting } = app.runs.find(({ id }) => id === former) as { greeting: string };
    app.edit('lib/greeting.ts', greeting, 'good evening');
    // Next.js sees the change while that runs.
    for (let mails = 0; mails < 10; mails++) {
      await schedule(origin, { to: 'Tom' });
      await sleep(500);
    }
    gate.open();
    expect((await resultOf(origin, former)).text).toBe(`${greeting} Max`);
    const isNew = (run: { greeting: string }) => run.greeting === 'good evening';
    await eventually(async () => {
      await resultOf(origin, await schedule(origin, { to: 'Eva' }));
      return app.runs.some(isNew);
    }, 'new code runs');
    const { runs } = app;
    const first = runs.findIndex(isNew);
    expect(runs.findIndex(({ what, id }) => what === 'end' && id === former)).toBeLessThan(first);
    expect(runs.slice(first).every(isNew)).toBe(true);
  });
});

/** Whether nobody listens there any more. */
async function refuses(origin: string): Promise<boolean> {
  try {
    await (await fetch(`${origin}/api/mail`, { method: 'HEAD' })).arrayBuffer();
    return false;
  } catch {
    return true;
  }
}
