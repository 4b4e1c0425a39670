import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { defineSchema } from 'next-puff/graphql';
import { route } from 'next-puff/next';
import { postgres } from 'next-puff/postgres';
import { borrowDatabase } from 'next-puff/prisma';
import { bullmqTaskStore } from '../../dist/tasks/bullmq/index.js';
import { type TaskHandle, task, taskHandle, useTaskStore } from '../../dist/tasks/index.js';
import { postgresTaskStore } from '../../dist/tasks/postgres/index.js';
import type { TaskStore } from '../../dist/tasks/store.js';
import { startWorker, type TaskWorker } from '../../dist/tasks/task-worker.js';
import { type PrismaClient, testDatabase } from '../prisma/support/database.ts';
import { RedisServer } from '../redis/support/redis-server.ts';
import { until } from './conformance/bench.ts';

jest.setTimeout(120_000);

const database = testDatabase();
let prisma: PrismaClient;
beforeAll(() => {
  prisma = database.client();
});

/** What has run, by what it was given. */
const ran: string[] = [];
const note = task(
  (name: string) => {
    ran.push(name);
    return name;
  },
  { name: 'transactions.note', retries: 0 },
);

/** What code inside a transaction does; it throws to have it rolled back. */
type Work = () => Promise<void>;

/** What the mutation does. */
let mutationWork: Work = async () => {};

const schema = defineSchema<unknown>({
  maskErrors: false,
  typeDefs: 'type Query { nothing: Int } type Mutation { work: Int more: Int }',
  onError: () => {},
  resolvers: {
    Mutation: {
      work: async () => {
        await mutationWork();
        return 1;
      },
      more: () => 2,
    },
  },
});

/** Runs work in a transaction of each kind; whether that commits shows in how the work ends. */
const KINDS: Record<string, (work: Work) => Promise<unknown>> = {
  'transaction()': (work) => postgres.transaction(work),
  'a savepoint in transaction()': (work) =>
    postgres.transaction(async () => {
      await postgres`insert into users (email) values (${crypto.randomUUID()})`;
      await postgres.transaction(work);
    }),
  'an interactive transaction of Prisma': (work) =>
    prisma.$transaction(async (tx) => {
      await tx.user.create({ data: { email: crypto.randomUUID() } });
      await borrowDatabase(tx, work);
      await tx.user.count();
    }),
  'transaction() in an interactive transaction of Prisma': (work) =>
    prisma.$transaction((tx) => borrowDatabase(tx, () => postgres.transaction(work))),
  'a mutation': async (work) => {
    mutationWork = work;
    const { errors } = await schema.query('mutation { work more }');
    if (errors) throw new Error(errors[0]?.message);
  },
  'a route handler': (work) =>
    route({ transaction: true }, async (_request: Request, _context: object) => {
      await work();
      return new Response();
    })(new Request('http://app/') as never, { params: Promise.resolve({}) }) as Promise<Response>,
};

/** Where an engine keeps its jobs. */
interface Server {
  open(): TaskStore;
  stop(): Promise<void>;
}

const ENGINES: Record<string, () => Promise<Server>> = {
  postgres: async () => ({ open: () => postgresTaskStore(), stop: async () => {} }),
  bullmq: async () => {
    const redis = await RedisServer.start({ settings: { appendonly: 'yes' } });
    return {
      open: () => bullmqTaskStore({ redis: { url: redis.url } }),
      stop: () => redis.stop(),
    };
  },
};

describe.each(Object.entries(ENGINES))('scheduling on %s inside', (_engine, start) => {
  let server: Server;
  let store: TaskStore;
  let worker: TaskWorker;
  beforeAll(async () => {
    server = await start();
    store = server.open();
    useTaskStore(store);
    worker = await startWorker({ concurrency: 2 });
  });
  afterAll(async () => {
    await worker?.stop({ timeoutMs: 10_000 });
    await store?.close();
    await server?.stop();
  });
  afterEach(() => {
    ran.length = 0;
  });

  test.each(Object.entries(KINDS))('%s', async (_kind, inTransaction) => {
    const outside = server.open();
    const committed: TaskHandle<string>[] = [];
    const undone: TaskHandle<string>[] = [];
    try {
      await inTransaction(async () => {
        committed.push(await note.schedule('one'));
        committed.push(...(await note.scheduleMany([{ payload: 'two' }, { payload: 'three' }])));
        for (const { id } of committed) expect(await outside.get(id)).toBeUndefined();
      });
      const rolledBack = inTransaction(async () => {
        undone.push(await note.schedule('never'));
        throw new Error('undo');
      });
      await expect(rolledBack).rejects.toThrow();

      const results = committed.map((handle) => handle.result({ timeoutMs: 60_000 }));
      expect(await Promise.all(results)).toEqual(['one', 'two', 'three']);
      // Scheduled after what was rolled back, so that it would have been found by now.
      await (await note.schedule('last')).result({ timeoutMs: 60_000 });
      for (const { id } of undone) expect(await taskHandle(id).status()).toBeUndefined();
      expect(undone).toHaveLength(1);
      expect(ran.sort()).toEqual(['last', 'one', 'three', 'two']);
    } finally {
      await outside.close();
    }
  });

  test('a task that runs in a transaction', async () => {
    const parent = task(
      async (isGood: boolean, { job }) => {
        await note.schedule(`${isGood}`);
        expect(await store.list({ parentId: job.id })).toMatchObject({ jobs: [] });
        if (!isGood) throw new Error('undo');
      },
      { name: `transactions.parent-${_engine}`, retries: 0, transaction: true },
    );
    const bad = await parent.schedule(false);
    await expect(bad.result({ timeoutMs: 60_000 })).rejects.toThrow('undo');
    const good = await parent.schedule(true);
    await good.result({ timeoutMs: 60_000 });
    await until('the child has run', () => ran.length > 0);
    expect(ran).toEqual(['true']);
    expect(await bad.children()).toEqual([]);
    expect(await good.children()).toHaveLength(1);
  });
});
