import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import { postgres } from 'next-puff/postgres';
import { postgresTaskStore } from '../../../dist/tasks/postgres/index.js';
import type { TaskStore } from '../../../dist/tasks/store.js';
import { newJob, work } from './support/jobs.ts';

let database: TemporaryPostgres;
let store: TaskStore;

beforeAll(async () => {
  database = await startTemporaryPostgres();
  process.env.DATABASE_URL = database.url;
  store = postgresTaskStore();
}, 60_000);

afterAll(async () => {
  await store.close();
  await postgres.end();
  await database.stop();
}, 60_000);

test.each([undefined, null, 7, {}])(
  'a run that answers with %p instead of text fails, and others of its turn do not',
  async (result) => {
    const worker = work(store, () => {}, {
      run: async ({ payload }) => ({
        type: 'completed',
        result: payload === '"bad"' ? (result as unknown as string) : payload,
      }),
    });
    const payloads = ['"bad"', '"good"'];
    const added = await store.add(payloads.map((payload) => newJob({ payload, maxAttempts: 1 })));
    const [bad, good] = await Promise.all(added.map(({ id }) => store.ended(id)));
    expect(bad).toMatchObject({ state: 'failed', failure: { code: 'PUFF_TASK_RESULT' } });
    expect(good).toMatchObject({ state: 'completed', result: '"good"' });
    await worker.close({ timeoutMs: 30_000 });
  },
);
