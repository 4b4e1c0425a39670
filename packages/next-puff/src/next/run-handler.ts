import { settings } from '../config/settings.js';
import { currentClient } from '../context/client-connection.cjs';
import { currentContext, RequestContext, runInContext } from '../context/index.js';
import { ClientDisconnectedError } from '../errors.js';
import type { NormalizedOptions } from './handler-options.js';
import { isPrerendering, isRedirect } from './next-signals.js';

/** What is to run, and how. */
export interface HandlerRun<T> {
  kind: 'route' | 'action';
  name: string;
  /** Options that the author wrote; nothing when the wrapper was put there by the build. */
  options: NormalizedOptions | undefined;
  /** Where a disconnect can be learned when the connection itself was not seen. */
  fallbackSignal?: () => AbortSignal | undefined;
  run: () => T | Promise<T>;
}

/** Contexts that the build's wrapper opened and no author's options have touched yet. */
const automatic = new WeakSet<RequestContext>();

/**
 * Runs a handler in a request context and settles with what it returns or throws, after everything
 * registered with `onSettle` has ended.
 *
 * At the deadline it rejects at once with `DeadlineExceededError`, whether or not the handler reacts
 * to its signal; what the handler does later is ignored.
 *
 * Inside a running context it opens no second one: the handler joins that one, and gives it its own
 * options if only the build had wrapped the outer handler (`withAuth(route({ ... }, handler))`).
 */
export async function runHandler<T>(handler: HandlerRun<T>): Promise<T> {
  const outer = currentContext();
  if (outer?.isActive) {
    if (handler.options && automatic.delete(outer)) outer.refine(handler.options);
    return handler.run();
  }
  const context = openContext(handler);
  if (!handler.options) automatic.add(context);
  return complete(context, handler.run);
}

function openContext<T>({ kind, name, options, fallbackSignal }: HandlerRun<T>): RequestContext {
  const { requests } = settings();
  const transaction = options?.transaction ?? (requests.transaction ? {} : false);
  // A prerender has no client and no deadline: Next.js bounds it by staticPageGenerationTimeout.
  if (isPrerendering()) return new RequestContext({ kind, name, deadlineMs: 0, transaction });

  const deadlineMs = options?.deadlineMs ?? requests.deadlineMs;
  const client = currentClient();
  const trace = client?.trace;
  const context = new RequestContext({ kind, name, deadlineMs, transaction, trace });
  const disconnected = () =>
    context.abort(
      new ClientDisconnectedError(
        `The client of ${name} went away before its answer was complete.`,
        {
          operation: kind,
        },
      ),
    );
  if (client) client.onDisconnect(disconnected);
  else {
    const signal = fallbackSignal?.();
    if (signal?.aborted) disconnected();
    else signal?.addEventListener('abort', disconnected, { once: true });
  }
  return context;
}

function complete<T>(context: RequestContext, run: () => T | Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    context.onDeadline((error) => {
      // The answer does not wait for the clean-up, which may hang on whatever took too long.
      void context.settle('failure').catch(() => {});
      reject(error);
    });
    runInContext(context, async () => run())
      .finally(() => context.deactivate())
      .then(
        async (value) => {
          await context.settle('success');
          resolve(value);
        },
        async (error: unknown) => {
          await context.settle(isRedirect(error) ? 'success' : 'failure');
          throw error;
        },
      )
      .catch(reject)
      .finally(() => context.clearDeadline());
  });
}
