// Works on jobs until it is killed, and writes each run down in the database before and after it.
import { setTimeout as sleep } from 'node:timers/promises';
import { postgres } from 'next-puff/postgres';
import { postgresTaskStore } from '../../../../dist/tasks/postgres/index.js';
import { work } from './jobs.mjs';

const [leaseMs, taskMs] = process.argv.slice(2).map(Number);
const store = postgresTaskStore();
const worker = work(
  store,
  async (job, signal) => {
    const values = [job.id, job.start, worker.id];
    await postgres.query('insert into runs (job, start, worker) values ($1, $2, $3)', values);
    await sleep(Math.random() * 2 * taskMs);
    if (!signal.aborted) {
      await postgres.query(
        'update runs set ended_at = clock_timestamp() where job = $1 and start = $2',
        [job.id, job.start],
      );
    }
    return job.id;
  },
  { leaseMs },
);
process.send(worker.id);
