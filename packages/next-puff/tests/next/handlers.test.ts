import { jest } from '@jest/globals';
import type { NextRequest } from 'next/server.js';
import {
  DeadlineExceededError,
  PoolTimeoutError,
  PostgresUnavailableError,
} from 'next-puff/errors';
import { action, currentContext, type RequestContext, route } from 'next-puff/next';
import { puffAction, puffRoute, puffWrapAction } from 'next-puff/next/runtime';

const log = jest.spyOn(console, 'error').mockImplementation(() => {});
beforeEach(() => {
  log.mockClear();
  process.env.NEXT_PUFF_CONFIG = JSON.stringify({
    publisher: 'cli',
    settings: { postgres: {}, requests: { deadlineMs: 1000, transaction: false } },
  });
});
afterAll(() => {
  log.mockRestore();
});

type Handler = (request: NextRequest, context: { params: Promise<object> }) => Promise<Response>;

/** Calls a route handler as Next.js does. */
function call(handler: Handler, signal?: AbortSignal): Promise<Response> {
  const request = new Request('http://localhost/', signal ? { signal } : {}) as NextRequest;
  return handler(request, { params: Promise.resolve({}) });
}

function context(): RequestContext {
  return currentContext() as RequestContext;
}

/** What Next.js's `redirect()` and `notFound()` throw. */
function nextError(digest: string): Error {
  return Object.assign(new Error(digest), { digest });
}

describe('a wrapped route handler', () => {
  test('gets the arguments as they are and runs in a context', async () => {
    const seen: unknown[] = [];
    const handler = puffRoute('GET /polls', async (...args: unknown[]) => {
      seen.push(...args, context().name, context().kind, context().isActive);
      return new Response('done');
    });
    const request = new Request('http://localhost/') as NextRequest;
    const params = { params: Promise.resolve({}) };
    expect(await (await handler(request, params)).text()).toBe('done');
    expect(seen).toEqual([request, params, 'GET /polls', 'route', true]);
  });

  test('keeps the options and takes the name when the build wraps it again', async () => {
    const explicit = route({ deadlineMs: 77, transaction: true }, async () =>
      Response.json([
        context().name,
        context().transaction,
        (context().deadlineAt ?? 0) - Date.now() < 80,
      ]),
    );
    const handler = puffRoute('GET /twice', explicit);
    expect(await (await call(handler)).json()).toEqual(['GET /twice', {}, true]);
  });

  test('keeps the options also inside of another wrapper', async () => {
    const explicit = route({ transaction: { isolation: 'serializable' } }, async () =>
      Response.json(context().transaction),
    );
    const withAuth =
      (inner: Handler): Handler =>
      async (request, params) =>
        inner(request, params);
    const handler = puffRoute('GET /auth', withAuth(explicit));
    expect(await (await call(handler)).json()).toEqual({ isolation: 'serializable' });
  });

  test('answers 504 at its deadline and lets what is open fail, without waiting for it', async () => {
    const outcomes: string[] = [];
    const handler = route({ deadlineMs: 20 }, async () => {
      context().onSettle((outcome) => {
        outcomes.push(outcome);
        return new Promise<void>(() => {});
      });
      await new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 40));
      return new Response();
    });
    const response = await call(handler);
    expect(response.status).toBe(504);
    expect(await response.json()).toEqual({
      error: { code: 'PUFF_DEADLINE_EXCEEDED', message: 'The answer took too long.' },
    });
    expect(outcomes).toEqual(['failure']);
    await new Promise((resolve) => setTimeout(resolve, 40));
  });

  test('has no deadline when that is 0', async () => {
    const handler = route({ deadlineMs: 0 }, async () =>
      Response.json(context().deadlineAt ?? null),
    );
    expect(await (await call(handler)).json()).toBeNull();
  });

  test('a deadline that no timer can keep is refused', () => {
    const wrap = () => route({ deadlineMs: 0.5 }, async () => new Response());
    expect(wrap).toThrow(expect.objectContaining({ code: 'PUFF_HANDLER_OPTIONS' }));
  });

  test.each([
    [new PostgresUnavailableError('x', { retryAfterMs: 2001 }), '3'],
    [new PoolTimeoutError('x', { retryAfterMs: 0 }), '1'],
    [Object.assign(new Error('another copy'), { code: 'PUFF_POSTGRES_UNAVAILABLE' }), '1'],
    [new Error('orm', { cause: new PoolTimeoutError('x', { retryAfterMs: 5000 }) }), '5'],
  ])('answers 503 with Retry-After for %s', async (error, retryAfter) => {
    const response = await call(
      route(async () => {
        throw error;
      }),
    );
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, retryAfter]);
    const body = (await response.json()) as { error: { code: string } };
    expect(body.error.code).toMatch(/^PUFF_POSTGRES_/);
    expect(log).toHaveBeenCalledTimes(1);
  });

  test.each([
    [nextError('NEXT_REDIRECT;replace;/;307;'), 'success'],
    [nextError('NEXT_HTTP_ERROR_FALLBACK;404'), 'failure'],
    [new Error('a bug'), 'failure'],
  ])('leaves %s to Next.js', async (error, expected) => {
    const outcomes: string[] = [];
    const handler = route(() => {
      context().onSettle((outcome) => void outcomes.push(outcome));
      throw error;
    });
    await expect(call(handler as Handler)).rejects.toBe(error);
    expect(outcomes).toEqual([expected]);
  });

  test('fails when what it has open cannot be finished', async () => {
    const handler = route(async () => {
      context().onSettle(() => {
        throw new PostgresUnavailableError('The commit did not arrive.');
      });
      return new Response('looks good');
    });
    expect((await call(handler)).status).toBe(503);
  });

  test('aborts when the request does, and answers nothing worth logging', async () => {
    const client = new AbortController();
    const handler = route(
      () =>
        new Promise<Response>((_, reject) => {
          const { signal } = context();
          signal.addEventListener('abort', () => reject(signal.reason));
          client.abort();
        }),
    );
    expect((await call(handler, client.signal)).status).toBe(499);
    expect(log).not.toHaveBeenCalled();
  });

  test('meets its deadline also when the client left before', async () => {
    const client = new AbortController();
    const outcome = new Promise((resolve) => {
      const handler = route({ deadlineMs: 30 }, () => {
        context().onSettle(resolve);
        client.abort();
        return new Promise<Response>(() => {});
      });
      void call(handler, client.signal);
    });
    expect(await outcome).toBe('failure');
  });

  test('is no longer active once it has settled', async () => {
    let seen: RequestContext | undefined;
    await call(
      route(async () => {
        seen = context();
        return new Response();
      }),
    );
    expect([seen?.isActive, seen?.signal.aborted]).toEqual([false, false]);
  });
});

describe('a wrapped action', () => {
  test('returns what it returns', async () => {
    expect(await puffAction('vote', async () => [context().kind, context().name])).toEqual([
      'action',
      'vote',
    ]);
    const redeclared = async (count: number) => count + 1;
    expect(await puffAction('vote', redeclared, 4)).toBe(5);
  });

  test('joins the context that it is called in', async () => {
    const inner = action({ transaction: true }, async () => [
      context().name,
      context().transaction,
    ]);
    expect(await puffAction('outer', () => inner())).toEqual(['outer', {}]);
  });

  test('rejects at its deadline', async () => {
    const slow = action({ deadlineMs: 10 }, () => new Promise<void>(() => {}));
    await expect(slow()).rejects.toBeInstanceOf(DeadlineExceededError);
  });

  test('keeps its options when the build wraps it again', async () => {
    const explicit = action({ transaction: true }, async () => [
      context().name,
      context().transaction,
    ]);
    expect(await puffWrapAction('named', explicit)()).toEqual(['named', {}]);
    expect(puffWrapAction('not one', 5)).toBe(5);
  });

  test('passes errors on as they are', async () => {
    const error = new PostgresUnavailableError('x');
    const failing = action(async () => {
      throw error;
    });
    await expect(failing()).rejects.toBe(error);
  });
});

test('types stay exactly what they are', () => {
  const handler = route(
    { transaction: true },
    async (_request: Request, { params }: { params: Promise<{ id: string }> }) =>
      Response.json((await params).id),
  );
  const same: (
    request: Request,
    context: { params: Promise<{ id: string }> },
  ) => Promise<Response> = handler;
  const vote = action(async <T>(choice: T, weight = 1): Promise<[T, number]> => [choice, weight]);
  const typed: Promise<['a', number]> = vote<'a'>('a');
  expect([same, typed]).toHaveLength(2);
});
