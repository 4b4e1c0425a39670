import { beforeAll, describe, expect, test } from '@jest/globals';
import { Pool } from 'next-puff/pg';
import { postgres } from 'next-puff/postgres';
import { RequestContext, runInContext } from '../../dist/context/index.js';
import { testServer } from './support/server.ts';

const server = testServer();
let joining: Pool;
let separate: Pool;

beforeAll(async () => {
  process.env.DATABASE_URL = server.url;
  joining = new Pool({ connectionString: server.url, joinsTransactions: true });
  separate = new Pool({ connectionString: server.url });
  await postgres.script('create table note (id int primary key)');
});

server.beforeStop(async () => {
  await Promise.all([joining.end(), separate.end(), postgres.end()]);
});

const stored = async () =>
  (await separate.query('select id from note order by id')).rows.map(({ id }) => id);

describe('a pool that joins transactions', () => {
  test('commits and rolls back with postgres.transaction()', async () => {
    await postgres.transaction(async (tx) => {
      await tx`insert into note values (1)`;
      const { rows } = await joining.query('insert into note values ($1) returning id', [2]);
      expect(rows).toEqual([{ id: 2 }]);
      expect((await joining.query('select count(*)::int as count from note')).rows).toEqual([
        { count: 2 },
      ]);
      expect(await stored()).toEqual([]);
    });
    expect(await stored()).toEqual([1, 2]);

    const failing = postgres.transaction(async () => {
      await joining.query('insert into note values (3)');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await stored()).toEqual([1, 2]);
  });

  test('gives the transaction its failures', async () => {
    const swallowed = postgres.transaction(async () => {
      await joining.query('select 1/0').catch(() => {});
    });
    await expect(swallowed).rejects.toMatchObject({ sqlState: '25P02' });
  });

  test('belongs to the transaction of a request', async () => {
    const context = new RequestContext({
      kind: 'route',
      name: 'GET /notes',
      deadlineMs: 0,
      transaction: {},
    });
    await runInContext(context, async () => {
      await joining.query('insert into note values (4)');
      await postgres`insert into note values (5)`;
    });
    await context.settle('failure');
    expect(await stored()).toEqual([1, 2]);
  });

  test('runs on its own outside of one, and when it was not asked to join', async () => {
    await joining.query('insert into note values (6)');
    await postgres
      .transaction(async () => {
        await separate.query('insert into note values (7)');
        throw new Error('no');
      })
      .catch(() => {});
    expect(await stored()).toEqual([1, 2, 6, 7]);
  });
});
