// Works on the queue `default` until it is killed: node worker-process.mjs URL NAME LEASE_MS TASK_MS. Writes down each run's
// begin and end in the list `runs` of the same Redis.
import { Redis } from 'ioredis';
import { bullmqTaskStore } from '../../../../dist/tasks/bullmq/index.js';

const [url, name, leaseMs, taskMs] = process.argv.slice(2);
const redis = new Redis(url);
const note = (text) => redis.rpush('runs', text);

const store = bullmqTaskStore({ redis: { url } });
store.work({
  queues: ['default'],
  concurrency: 4,
  leaseMs: Number(leaseMs),
  limits: new Map(),
  onTrouble: () => {},
  run: async (job) => {
    await note(`begin ${job.id} ${name} ${Date.now()}`);
    if (job.task === 'block') {
      const end = Date.now() + Number(taskMs);
      while (Date.now() < end);
    } else {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * Number(taskMs)));
    }
    await note(`end ${job.id} ${name} ${Date.now()}`);
    return { type: 'completed', result: JSON.stringify(job.id) };
  },
});
process.send?.('started');
