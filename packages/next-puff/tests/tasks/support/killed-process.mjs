// Schedules or works until it is killed: node killed-process.mjs schedule|work [REDIS_URL]. It tells of what is durable, and
// writes each run down in the table `runs`.
import { postgres } from 'next-puff/postgres';
import { bullmqTaskStore } from '../../../dist/tasks/bullmq/index.js';
import { postgresTaskStore } from '../../../dist/tasks/postgres/index.js';

const [what, redisUrl] = process.argv.slice(2);
const store =
  redisUrl === undefined ? postgresTaskStore() : bullmqTaskStore({ redis: { url: redisUrl } });

/** Jobs that are added together: all of them or none. */
const PARTS = 20;

function jobs(task, order) {
  return Array.from({ length: PARTS }, (_, part) => ({
    task,
    queue: 'default',
    payload: JSON.stringify({ order, part }),
    priority: 0,
    runAt: Date.now(),
    delayMs: 0,
    timeoutMs: 0,
    keepResultMs: 600_000,
    maxAttempts: 3,
    backoff: { type: 'fixed', delayMs: 50, maxDelayMs: 1_000 },
  }));
}

async function schedule() {
  for (let order = process.pid * 100_000; ; order++) {
    await postgres.transaction(async () => {
      await postgres.query('insert into orders (id) values ($1)', [order]);
      await store.add(jobs('ordered', order));
    });
    process.send({ committed: order });
    await store.add(jobs('alone', order));
    process.send({ added: order });
  }
}

function work() {
  store.work({
    queues: ['default'],
    concurrency: 16,
    leaseMs: 2_000,
    limits: new Map(),
    onTrouble: () => {},
    run: async ({ task, payload }) => {
      const { order, part } = JSON.parse(payload);
      const values = [task, order, part];
      await postgres.query('insert into runs (task, job, part) values ($1, $2, $3)', values);
      return { type: 'completed', result: 'null' };
    },
  });
  process.send({ works: true });
}

if (what === 'schedule') await schedule();
else work();
