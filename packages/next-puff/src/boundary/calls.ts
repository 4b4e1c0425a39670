import { type Boundary, loadNative } from '../native.js';
import { type Completion, CompletionReader } from './completions.js';
import { errorOfFailure, errorOfThrown, type Failure } from './failures.js';
import { messageListeners, Topic } from './messages.js';
import type { DecoderFactory, RowMode } from './rows.js';

/** How a call is made, and what it resolves with. */
export interface CallOptions<T = Completion> {
  /** Aborting any of them rejects the call at once and cancels it natively. */
  signals?: readonly AbortSignal[] | undefined;
  /** What rows become. */
  rowMode?: RowMode | undefined;
  /** Makes the decoder of rows with these columns, instead of `rowMode`; it should keep what it made. */
  decoderOf?: DecoderFactory;
  /** Makes the error of a failure, instead of next-puff's own classes. */
  errorOf?: (failure: Failure) => unknown;
  /** Makes the answer of the completion, which is the answer otherwise; what it throws rejects. */
  answerOf?: (completion: Completion) => T;
  /** Takes what comes before the call has ended: partial results, chunks and asks. Must not throw. */
  onPartial?: (completion: Completion) => void;
}

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: unknown): void;
  answerOf: ((completion: Completion) => unknown) | undefined;
  decoding: RowMode | DecoderFactory;
  errorOf: (failure: Failure) => unknown;
  onPartial: ((completion: Completion) => void) | undefined;
  watches: readonly Set<number>[] | undefined;
}

/** From here on ids are those of operations that did not begin in this isolate. */
const FIRST_HOSTED_ID = 2 ** 31;

/** Words of the buffer that answers are drained into: 256 KB. */
const INBOX_WORDS = 64 * 1024;

/**
 * The calls of this isolate that wait for an answer of the native core.
 *
 * While there are any, the process stays alive.
 */
export class Calls {
  readonly #boundary: Boundary;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Map<number, (json: string) => void>();
  readonly #inbox = new Int32Array(INBOX_WORDS);
  readonly #reader = new CompletionReader();
  /** The cancellable calls of each signal: one listener serves them all. */
  readonly #watched = new WeakMap<AbortSignal, Set<number>>();
  #lastId = 0;
  /** Reasons to stay alive. */
  #holds = 0;

  constructor() {
    const { Boundary } = loadNative();
    this.#boundary = new Boundary(() => this.#drain());
  }

  /** The native side, for what needs no answer. */
  get boundary(): Boundary {
    return this.#boundary;
  }

  /**
   * Starts a call and resolves with its answer; a failure rejects.
   *
   * @param start hands the call's id to a native function
   */
  submit<T = Completion>(
    start: (boundary: Boundary, call: number) => void,
    options: CallOptions<T> = {},
  ): Promise<T> {
    const { signals, rowMode = 'object', decoderOf, errorOf, answerOf, onPartial } = options;
    return new Promise<unknown>((resolve, reject) => {
      if (signals !== undefined) {
        for (const signal of signals) {
          if (signal.aborted) {
            reject(signal.reason);
            return;
          }
        }
      }
      const call = this.#newId();
      try {
        start(this.#boundary, call);
      } catch (error) {
        reject(errorOfThrown(error));
        return;
      }
      const watches = signals?.map((signal) => this.#watch(signal, call));
      if (this.#waiting.size === 0) this.hold();
      const decoding = decoderOf ?? rowMode;
      this.#waiting.set(call, {
        resolve,
        reject,
        decoding,
        errorOf: errorOf ?? errorOfFailure,
        answerOf,
        onPartial,
        watches,
      });
    }) as Promise<T>;
  }

  /**
   * Registers a listener of events and returns the id to give to the native core.
   *
   * It does not keep the process alive. It must not throw.
   */
  listen(listener: (json: string) => void): number {
    const id = this.#newId();
    this.#listeners.set(id, listener);
    return id;
  }

  /** Ends {@link Calls.listen}. */
  unlisten(id: number): void {
    this.#listeners.delete(id);
  }

  /** Keeps the isolate alive until {@link Calls.unhold}. */
  hold(): void {
    if (this.#holds++ === 0) this.#boundary.hold();
  }

  /** Ends one {@link Calls.hold}. */
  unhold(): void {
    if (--this.#holds === 0) this.#boundary.unhold();
  }

  #newId(): number {
    do {
      this.#lastId = (this.#lastId + 1) % FIRST_HOSTED_ID;
    } while (
      this.#lastId === 0 ||
      this.#waiting.has(this.#lastId) ||
      this.#listeners.has(this.#lastId)
    );
    return this.#lastId;
  }

  #watch(signal: AbortSignal, call: number): Set<number> {
    let calls = this.#watched.get(signal);
    if (calls === undefined) {
      calls = new Set();
      this.#watched.set(signal, calls);
      const watched = calls;
      signal.addEventListener('abort', () => this.#abort(watched, signal.reason), { once: true });
    }
    calls.add(call);
    return calls;
  }

  #abort(calls: Set<number>, reason: unknown): void {
    for (const call of [...calls]) {
      const waiting = this.#take(call);
      if (waiting === undefined) continue;
      this.#boundary.cancel(call);
      waiting.reject(reason);
    }
  }

  #take(call: number): Waiting | undefined {
    const waiting = this.#waiting.get(call);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(call);
    if (waiting.watches !== undefined) for (const watch of waiting.watches) watch.delete(call);
    if (this.#waiting.size === 0) this.unhold();
    return waiting;
  }

  #drain(): void {
    const inbox = this.#inbox;
    do {
      const attachments = this.#boundary.drain(inbox);
      this.#reader.begin(inbox, attachments);
      for (let left = inbox[0] as number; left > 0; left--) this.#settle();
    } while (inbox[1] === 1);
  }

  #settle(): void {
    const { call } = this.#reader;
    const waiting = this.#waiting.get(call);
    const isHosted = waiting === undefined && call >= FIRST_HOSTED_ID;
    const completion = this.#reader.read(waiting?.decoding ?? (isHosted ? 'object' : 'array'));
    switch (completion.kind) {
      case 'message':
        return;
      case 'event':
        this.#listeners.get(call)?.(completion.json);
        return;
      case 'ask':
        if (isHosted) messageListeners[Topic.graphql]?.(call, 0, 0, [completion.message]);
        else waiting?.onPartial?.(completion);
        return;
      case 'chunk':
        waiting?.onPartial?.(completion);
        return;
      case 'result':
        if (!completion.isPartial) break;
        waiting?.onPartial?.(completion);
        return;
      case 'session':
        // Its caller has given up; what was checked out for it goes back.
        if (waiting === undefined) this.#boundary.postgresRelease(completion.session);
        break;
    }
    this.#take(call);
    if (completion.kind === 'failure') waiting?.reject(waiting.errorOf(completion.failure));
    else if (completion.kind === 'error') waiting?.reject(completion.error);
    else if (waiting !== undefined) answer(waiting, completion);
  }
}

function answer({ resolve, reject, answerOf }: Waiting, completion: Completion): void {
  if (answerOf === undefined) {
    resolve(completion);
    return;
  }
  try {
    resolve(answerOf(completion));
  } catch (error) {
    reject(error);
  }
}

// One boundary per isolate, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.calls');
const globals = globalThis as { [KEY]?: Calls };

/**
 * The calls of this isolate; loads the native core at the first use.
 *
 * @throws {NativeUnavailableError} when the addon cannot be loaded
 */
export function calls(): Calls {
  globals[KEY] ??= new Calls();
  return globals[KEY];
}
