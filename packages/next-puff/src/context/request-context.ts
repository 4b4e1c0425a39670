import { AsyncLocalStorage } from 'node:async_hooks';
import { DeadlineExceededError } from '../errors.js';

/** PostgreSQL's isolation levels (chapter 13.2 of its manual). */
export type IsolationLevel =
  | 'read uncommitted'
  | 'read committed'
  | 'repeatable read'
  | 'serializable';

/** Whether a handler succeeded: it returned, or it redirected. */
export type Outcome = 'success' | 'failure';

/** Called once when a handler is done. */
export type Finisher = (outcome: Outcome) => Promise<void> | void;

/** What runs in a context. */
export type ContextKind = 'route' | 'action' | 'socket' | 'task';

/** What a request context is made from. */
export interface RequestContextOptions {
  kind: ContextKind;
  name: string;
  /** Longest run in milliseconds; 0 means no deadline. */
  deadlineMs: number;
  transaction: false | { isolation?: IsolationLevel };
  /** `traceparent` of what it is a part of. */
  trace?: string | undefined;
}

const MORE_TIME: Record<ContextKind, string> = {
  route: 'requests.deadlineMs in puff.config.ts, or deadlineMs of route()',
  action: 'requests.deadlineMs in puff.config.ts, or deadlineMs of action()',
  socket: 'requests.deadlineMs in puff.config.ts',
  task: 'timeoutMs of task() or of schedule()',
};

/**
 * One run of a wrapped route handler, a server action, a WebSocket or a task: its signal, its deadline, what it has open.
 */
export class RequestContext {
  readonly kind: ContextKind;
  readonly name: string;
  /** `traceparent` (W3C Trace Context) of what it is a part of, if that is known. */
  readonly trace: string | undefined;
  /**
   * Whatever the request keeps open, by its owner, for example a pool's transaction. The context
   * does not look inside.
   */
  readonly resources = new Map<unknown, unknown>();

  // Read only when there is a deadline: reading the clock makes a route dynamic for Next.js.
  #startedAt: number | undefined;
  readonly #controller = new AbortController();
  #transaction: false | { isolation?: IsolationLevel };
  #deadlineMs = 0;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #deadlineListener: ((error: DeadlineExceededError) => void) | undefined;
  #isActive = true;
  #finishers: Finisher[] = [];
  #settled: Promise<void> | undefined;

  constructor(options: RequestContextOptions) {
    this.kind = options.kind;
    this.name = options.name;
    this.trace = options.trace;
    this.#transaction = options.transaction;
    this.#setDeadline(options.deadlineMs);
  }

  /**
   * Aborts with `DeadlineExceededError` or `ClientDisconnectedError` as its reason.
   *
   * It can abort while the answer is still being streamed, and never after the answer is complete.
   */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** When the deadline is, in milliseconds since the epoch; nothing when there is none. */
  get deadlineAt(): number | undefined {
    return this.#startedAt === undefined || this.#deadlineMs === 0
      ? undefined
      : this.#startedAt + this.#deadlineMs;
  }

  /** Whether the handler asked to run in a transaction, and in which. */
  get transaction(): false | { isolation?: IsolationLevel } {
    return this.#transaction;
  }

  /**
   * Whether the handler is still running. Afterwards (`after()`, a streamed body) work belongs to no
   * request: it must use neither the signal nor what the request had open.
   */
  get isActive(): boolean {
    return this.#isActive;
  }

  /**
   * Registers what has to end with the handler; it is awaited, in order, before the answer is sent.
   *
   * If it throws on success, the handler fails with that error and the finishers after it are told
   * `'failure'`. Registered after the end, it is told `'failure'` at once.
   */
  onSettle(finish: Finisher): void {
    if (this.#settled) void runFinisher(finish, 'failure', this.name);
    else this.#finishers.push(finish);
  }

  /** Aborts the signal; the first reason stays. @internal */
  abort(reason: Error): void {
    this.#controller.abort(reason);
  }

  /** Replaces options; the deadline counts from the start of the context, if that had one. @internal */
  refine(options: Partial<Pick<RequestContextOptions, 'deadlineMs' | 'transaction'>>): void {
    if (options.transaction !== undefined) this.#transaction = options.transaction;
    if (options.deadlineMs !== undefined) this.#setDeadline(options.deadlineMs);
  }

  /** Records that the handler has returned or thrown. @internal */
  deactivate(): void {
    this.#isActive = false;
  }

  /**
   * Runs the finishers; a second call waits for the first.
   *
   * @throws what a finisher threw on success
   * @internal
   */
  settle(outcome: Outcome): Promise<void> {
    this.#settled ??= this.#finish(outcome);
    return this.#settled;
  }

  /** Calls the listener at the deadline, also when the signal had aborted before. @internal */
  onDeadline(listener: (error: DeadlineExceededError) => void): void {
    this.#deadlineListener = listener;
  }

  /** Stops the deadline, so that it cannot strike a request that is answered. @internal */
  clearDeadline(): void {
    clearTimeout(this.#deadlineTimer);
  }

  #setDeadline(deadlineMs: number): void {
    clearTimeout(this.#deadlineTimer);
    this.#deadlineMs = deadlineMs;
    if (deadlineMs === 0) return;
    const now = Date.now();
    this.#startedAt ??= now;
    const expire = () => {
      const error = new DeadlineExceededError(
        `${this.name} did not finish within ${deadlineMs} ms.`,
        {
          operation: this.kind,
          hint: `Make it faster, or give it more time: ${MORE_TIME[this.kind]}.`,
        },
      );
      this.abort(error);
      this.#deadlineListener?.(error);
    };
    this.#deadlineTimer = setTimeout(expire, Math.max(0, this.#startedAt + deadlineMs - now));
    this.#deadlineTimer.unref();
  }

  async #finish(outcome: Outcome): Promise<void> {
    let failed = outcome === 'failure';
    let error: unknown;
    for (const finish of this.#finishers) {
      if (failed) {
        await runFinisher(finish, 'failure', this.name);
        continue;
      }
      try {
        await finish('success');
      } catch (reason) {
        failed = true;
        error = reason;
      }
    }
    if (outcome === 'success' && failed) throw error;
  }
}

/** The handler's own error is what counts; one of cleaning up after it is only reported. */
async function runFinisher(finish: Finisher, outcome: Outcome, name: string): Promise<void> {
  try {
    await finish(outcome);
  } catch (error) {
    console.error(`next-puff: cleaning up after ${name} failed:`, error);
  }
}

// One storage per process, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.request-context');
const globals = globalThis as { [KEY]?: AsyncLocalStorage<RequestContext> };
globals[KEY] ??= new AsyncLocalStorage<RequestContext>();
const storage: AsyncLocalStorage<RequestContext> = globals[KEY];

/** The context of the wrapped handler or action that the calling code belongs to. */
export function currentContext(): RequestContext | undefined {
  return storage.getStore();
}

/** Runs a function, and everything it starts, in a context. */
export function runInContext<T>(context: RequestContext, fn: () => T): T {
  return storage.run(context, fn);
}
