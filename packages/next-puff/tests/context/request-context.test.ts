import { jest } from '@jest/globals';
import { currentContext, RequestContext, runInContext } from '../../dist/context/index.js';

function context(options: { deadlineMs?: number } = {}): RequestContext {
  return new RequestContext({
    kind: 'route',
    name: 'GET /',
    deadlineMs: 0,
    transaction: false,
    ...options,
  });
}

test('is seen by all that it runs, and only by that', async () => {
  const one = context();
  const two = context();
  const seen = await Promise.all(
    [one, two].map((each) =>
      runInContext(each, async () => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        return currentContext();
      }),
    ),
  );
  expect(seen).toEqual([one, two]);
  expect(seen[0]).toBe(one);
  expect(currentContext()).toBeUndefined();
});

test('is one per process, whichever copy of the module is asked', () => {
  const storage = Reflect.get(globalThis, Symbol.for('next-puff.request-context'));
  const one = context();
  expect(runInContext(one, () => storage.getStore())).toBe(one);
});

test('a context without a deadline does not read the clock', () => {
  const now = jest.spyOn(Date, 'now');
  expect(context().deadlineAt).toBeUndefined();
  expect(now).not.toHaveBeenCalled();
  now.mockRestore();
});

test('aborts at its deadline and says how to have more time', async () => {
  const one = context({ deadlineMs: 20 });
  expect(one.deadlineAt).toBeGreaterThan(Date.now());
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(one.signal.reason).toMatchObject({
    code: 'PUFF_DEADLINE_EXCEEDED',
    message: expect.stringMatching(/GET \/ did not finish within 20 ms.*deadlineMs/s),
  });
});

test('a refined deadline counts from the start', () => {
  const one = context({ deadlineMs: 10_000 });
  const startedAt = (one.deadlineAt as number) - 10_000;
  one.refine({ deadlineMs: 5_000, transaction: { isolation: 'serializable' } });
  expect(one.deadlineAt).toBe(startedAt + 5_000);
  expect(one.transaction).toEqual({ isolation: 'serializable' });
  one.refine({ deadlineMs: 0 });
  expect(one.deadlineAt).toBeUndefined();
});

describe('finishers', () => {
  test('run in order, one after the other, once', async () => {
    const one = context();
    const calls: string[] = [];
    one.onSettle(async (outcome) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      calls.push(`first ${outcome}`);
    });
    one.onSettle((outcome) => {
      calls.push(`second ${outcome}`);
    });
    await Promise.all([one.settle('success'), one.settle('failure')]);
    expect(calls).toEqual(['first success', 'second success']);
  });

  test('one that throws on success fails the rest', async () => {
    const one = context();
    const outcomes: string[] = [];
    one.onSettle(() => {
      throw new Error('commit failed');
    });
    one.onSettle((outcome) => {
      outcomes.push(outcome);
    });
    await expect(one.settle('success')).rejects.toThrow('commit failed');
    expect(outcomes).toEqual(['failure']);
  });

  test('one that throws on failure is reported and hides nothing', async () => {
    const log = jest.spyOn(console, 'error').mockImplementation(() => {});
    const one = context();
    one.onSettle(() => {
      throw new Error('rollback failed');
    });
    await one.settle('failure');
    expect(log.mock.calls.flat().map(String).join()).toMatch(/GET \/ failed.*rollback failed/);
    log.mockRestore();
  });

  test('one that comes too late is told of failure', async () => {
    const one = context();
    await one.settle('success');
    const outcome = await new Promise((resolve) => one.onSettle(resolve));
    expect(outcome).toBe('failure');
  });
});
