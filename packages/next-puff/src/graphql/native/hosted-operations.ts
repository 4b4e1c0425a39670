import type { AskMessage, HostedOrigin } from '../../boundary/asks.js';
import { onMessage, Topic } from '../../boundary/messages.js';
import {
  answerAsk,
  NativeOperation,
  type OperationListener,
  type ReportedFailure,
} from './operation.js';

/** The client of an operation, where its listener serves several. */
export type HostedClient = NonNullable<HostedOrigin['client']>;

/** Answers what an operation asks that did not begin in this isolate. */
export interface HostedOperation extends OperationListener {
  /** Begins the execution of this subscription for one event, an operation of its own. */
  event(): OperationListener;
  /** The operation is over. Must not throw. */
  end(): void;
}

/** Knows the operations of one schema, of all clients or of one. */
export interface HostedListener {
  /** The id of the pool that statements run on, 0 for none. */
  readonly pool: () => number;
  /** Begins an operation. Must not throw. */
  begin(client: HostedClient | undefined): HostedOperation;
  /** Takes a failure of an operation that asks nothing. */
  report(report: ReportedFailure): void;
}

// What follows mirrors `hosted.rs`.
const ASK = 0;
const ENDED = 1;
const RELEASED = 2;
const REPORT = 3;

/** An operation while it runs: who answers it, and its asks. */
interface Running {
  readonly hosted: HostedOperation | undefined;
  readonly native: NativeOperation;
  readonly controller: AbortController;
}

/** The operations of this isolate that began in the native core: over WebSockets, or in streams. */
class HostedOperations {
  readonly #listeners = new Map<number, HostedListener>();
  readonly #running = new Map<number, Running>();
  #lastId = 0;

  constructor() {
    onMessage(Topic.graphql, (id, kind, _second, [content]) => {
      if (kind === ASK) this.#ask(id, content as AskMessage);
      else if (kind === ENDED) this.#end(id);
      else if (kind === RELEASED) this.#listeners.delete(id);
      else if (kind === REPORT) this.#listeners.get(id)?.report(JSON.parse(content as string));
    });
  }

  /** Registers a listener and returns its number; the core releases it, or {@link unlisten}. */
  listen(listener: HostedListener): number {
    do this.#lastId = (this.#lastId + 1) % 2 ** 31;
    while (this.#lastId === 0 || this.#listeners.has(this.#lastId));
    this.#listeners.set(this.#lastId, listener);
    return this.#lastId;
  }

  /** Ends {@link listen}, where the core was not told of the listener. */
  unlisten(id: number): void {
    this.#listeners.delete(id);
  }

  #ask(id: number, message: AskMessage): void {
    const running = this.#running.get(id) ?? this.#begin(id, message.origin);
    if (running !== undefined) {
      running.native.take({ kind: 'ask', message });
      return;
    }
    const { ask } = message.header as { ask: number };
    const failure = { message: 'The schema is not there any more.', code: 'PUFF_INTERNAL' };
    answerAsk(ask, { failure });
  }

  #begin(id: number, origin: HostedOrigin | undefined): Running | undefined {
    const listener = origin && this.#listeners.get(origin.listener);
    if (origin === undefined || listener === undefined) return undefined;
    const { subscription, client } = origin;
    if (subscription === undefined) {
      return this.#run(id, listener.pool(), listener.begin(client));
    }
    // Its source may have needed no JavaScript.
    const parent = this.#running.get(subscription) ?? this.#begin(subscription, without(origin));
    return parent?.hosted && this.#run(id, listener.pool(), parent.hosted.event());
  }

  #run(id: number, pool: number, operation: HostedOperation | OperationListener): Running {
    const controller = new AbortController();
    const native = new NativeOperation(pool, [controller.signal], operation);
    native.begin(id);
    const hosted = 'end' in operation ? operation : undefined;
    const running = { hosted, native, controller };
    this.#running.set(id, running);
    return running;
  }

  #end(id: number): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    this.#running.delete(id);
    running.hosted?.end();
    running.native.end();
    running.controller.abort();
  }
}

function without({ listener, client }: HostedOrigin): HostedOrigin {
  return client === undefined ? { listener } : { listener, client };
}

// One per isolate, also when a bundler made a second copy of this module.
const KEY = Symbol.for('next-puff.graphql.hosted-operations');
const globals = globalThis as { [KEY]?: HostedOperations };

/** The operations of this isolate that begin in the native core. */
export function hostedOperations(): HostedOperations {
  globals[KEY] ??= new HostedOperations();
  return globals[KEY];
}
