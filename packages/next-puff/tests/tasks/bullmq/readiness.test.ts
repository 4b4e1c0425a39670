import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Cli, cleanUp, eventually, makeProject } from '../../cli/support/cli.ts';
import { RedisServer } from '../../redis/support/redis-server.ts';

jest.setTimeout(120_000);

let redis: RedisServer;
beforeEach(async () => {
  redis = await RedisServer.start({ settings: { appendonly: 'yes' } });
});
afterEach(async () => {
  await cleanUp();
  await redis?.stop();
});

test('a worker on Redis is ready without a database, and is not without Redis', async () => {
  const cwd = makeProject({
    'puff.config.ts': `
      import { defineConfig } from 'next-puff';
      export default defineConfig({ tasks: { files: ['tasks.ts'] } });
    `,
    'tasks.ts': `
      import { task } from 'next-puff/tasks';
      export const tick = task(() => console.log('tick'), { cron: '* * * * * *' });
    `,
  });
  // Nobody listens on this port.
  const env = { REDIS_URL: redis.url, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' };
  const worker = new Cli(['worker', '--health-port', '0'], { cwd, env });
  const printed = () => worker.stdout + worker.stderr;
  const prints = (pattern: RegExp) =>
    eventually(() => {
      if (worker.process.exitCode !== null) throw new Error(`ended: ${printed()}`);
      return pattern.test(printed());
    }, `${pattern} is printed`);
  await prints(/health on :\d+/);
  const [, port] = /health on :(\d+)/.exec(printed()) ?? [];
  const readiness = async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status;

  await prints(/transactions scheduled wait in PostgreSQL/);
  await prints(/^tick$/m);
  expect(await readiness()).toBe(200);
  const numbers = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(numbers).toMatch(/^puff_tasks_runs_total\{task=".*tick",outcome="completed"\} [1-9]/m);
  expect(numbers).toMatch(/^puff_tasks_jobs\{queue="default",state="completed"\} [1-9]/m);

  await redis.kill();
  await eventually(async () => (await readiness()) === 503, 'the worker is not ready');
  await redis.restart();
  await eventually(async () => (await readiness()) === 200, 'the worker is ready again');
});
