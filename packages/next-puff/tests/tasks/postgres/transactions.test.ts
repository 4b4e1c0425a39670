import { startTemporaryPostgres, type TemporaryPostgres } from 'next-puff/embedded';
import { postgres } from 'next-puff/postgres';
import { RequestContext, runInContext } from '../../../dist/context/index.js';
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

async function addOne(): Promise<string> {
  const [added] = await store.add([newJob()]);
  return (added as { id: string }).id;
}

test('a job of a transaction is there when it commits, and its worker is told', async () => {
  const worker = work(store, () => 'done');
  let id = '';
  await postgres.transaction(async () => {
    id = await addOne();
    expect(await store.get(id)).toBeUndefined();
  });
  expect(await store.ended(id)).toMatchObject({ state: 'completed', result: '"done"' });
  await worker.close({ timeoutMs: 30_000 });
});

test('a job of a transaction or savepoint that rolls back never was', async () => {
  const ids: string[] = [];
  const rollback = new Error('on purpose');
  await expect(
    postgres.transaction(async () => {
      ids.push(await addOne());
      throw rollback;
    }),
  ).rejects.toBe(rollback);
  let kept = '';
  await postgres.transaction(async (transaction) => {
    kept = await addOne();
    await transaction
      .savepoint(async () => {
        ids.push(await addOne());
        throw rollback;
      })
      .catch(() => {});
  });
  for (const id of ids) expect(await store.get(id)).toBeUndefined();
  expect(await store.get(kept)).toMatchObject({ state: 'waiting' });
  expect(await store.cancel(kept)).toBe(true);
});

test.each(['success', 'failure'] as const)(
  'a job of a request in a transaction shares its %s',
  async (outcome) => {
    const context = new RequestContext({
      kind: 'action',
      name: 'test',
      deadlineMs: 0,
      transaction: {},
    });
    const id = await runInContext(context, addOne);
    expect(await store.get(id)).toBeUndefined();
    context.deactivate();
    await context.settle(outcome);
    expect((await store.get(id)) !== undefined).toBe(outcome === 'success');
  },
);

test('keys hold inside transactions, too', async () => {
  const [first] = await store.add([newJob({ idempotencyKey: 'once' })]);
  const [again] = await postgres.transaction(() => store.add([newJob({ idempotencyKey: 'once' })]));
  expect(again).toEqual({ id: first?.id, isDuplicate: true });
});
