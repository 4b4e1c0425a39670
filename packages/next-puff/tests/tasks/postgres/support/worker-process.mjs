// Works on jobs until it is killed, and writes each run down in the database before and after it.
import { setTimeout as sleep } from 'node:timers/promises';
import { postgres } from 'next-puff/postgres';
import { postgresTaskStore } from '../../../../dist/tasks/postgres/index.js';

const [leaseMs, taskMs] = process.argv.slice(2).map(Number);
const store = postgresTaskStore();
const worker = store.work({
  queues: ['default'],
  concurrency: 8,
  leaseMs,
  limits: new Map(),
  onTrouble: () => {},
  run,
});
process.send(worker.id);

async function run(job, signal) {
  const values = [job.id, job.start, worker.id];
  await postgres.query('insert into runs (job, start, worker) values ($1, $2, $3)', values);
  await sleep(Math.random() * 2 * taskMs);
  if (!signal.aborted) {
    const end = 'update runs set ended_at = clock_timestamp() where job = $1 and start = $2';
    await postgres.query(end, [job.id, job.start]);
  }
  return { type: 'completed', result: JSON.stringify(job.id) };
}
