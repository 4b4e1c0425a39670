import {
  type HandlerOptions,
  type NormalizedOptions,
  normalizeOptions,
} from './handler-options.js';
import { runHandler } from './run-handler.js';

/** Any server action. */
export type ServerAction = (...args: never[]) => Promise<unknown>;

type AnyAction = (...args: unknown[]) => Promise<unknown>;

/** Actions that are wrapped, so that the build's wrapper does not wrap them again. */
const wrapped = new WeakMap<
  object,
  { action: AnyAction; options: NormalizedOptions | undefined }
>();

/**
 * Wraps an action of a `'use server'` file, with options for it alone; its type stays as it is.
 *
 * `withPuff` already wraps every action, so this is needed only to say something different for one.
 * The action runs in a request context: at its deadline the call rejects with
 * `DeadlineExceededError` and `currentContext().signal` aborts, as it does when the client goes away.
 * Errors reach the caller as Next.js passes them on. A redirect counts as success.
 *
 * An inline action (`'use server'` inside a function) takes no options, since Next.js lifts the
 * function out of whatever is around it.
 *
 * @example
 * export const vote = action({ transaction: true }, async (choiceId: number) => { ... });
 */
export function action<Action extends ServerAction>(fn: Action): Action;
export function action<Action extends ServerAction>(options: HandlerOptions, fn: Action): Action;
export function action<Action extends ServerAction>(
  first: HandlerOptions | Action,
  second?: Action,
): Action {
  const fn = (typeof first === 'function' ? first : second) as unknown as AnyAction;
  const options = normalizeOptions(typeof first === 'function' ? {} : first, 'action()');
  return wrap(fn.name || 'a server action', fn, options) as unknown as Action;
}

/**
 * Runs the body of an action; the build puts it into the action, which keeps its id that way.
 *
 * @param name names the action in messages, for example `vote (app/actions.ts)`
 * @param args given only when the body takes parameters of its own
 */
export function puffAction<Args extends unknown[], T>(
  name: string,
  body: (...args: Args) => Promise<T>,
  ...args: Args
): Promise<T> {
  return runHandler({ kind: 'action', name, options: undefined, run: () => body(...args) });
}

/**
 * Wraps an action that is the value of an expression (`withAuth(async () => { ... })`); the build
 * calls it. What is no function stays as it is, for Next.js to complain about.
 */
export function puffWrapAction<Action>(name: string, value: Action): Action {
  if (typeof value !== 'function') return value;
  const explicit = wrapped.get(value);
  const { action: original, options } = explicit ?? { action: value as unknown as AnyAction };
  return wrap(name, original, options) as Action;
}

function wrap(name: string, fn: AnyAction, options?: NormalizedOptions): AnyAction {
  const puffServerAction = (...args: unknown[]): Promise<unknown> =>
    runHandler({ kind: 'action', name, options, run: () => fn(...args) });
  wrapped.set(puffServerAction, { action: fn, options });
  return puffServerAction;
}
