import { EventEmitter } from 'node:events';
import type { ServerReport } from '../boundary/failures.js';
import { Connection } from './connection.js';
import { type ClientConfig, ConnectionParameters } from './connection-parameters.js';
import { databaseError, noticeOf } from './errors.js';
import { escapeIdentifier, escapeLiteral } from './escaping.js';
import * as keepAlive from './keep-alive.js';
import {
  destroy,
  NativePool,
  release,
  type Session,
  stopListening,
  transactionStatus,
} from './native-pool.js';
import {
  normalizeQuery,
  type Outcome,
  Query,
  type QueryCallback,
  type QueryConfig,
  type Submittable,
} from './query.js';
import { requestSignals, runQuery } from './run-query.js';
import { TypeOverrides, type TypeParser } from './type-overrides.js';

/** An event of a session as `failure.rs` writes it. */
type SessionEvent =
  | { type: 'notice'; notice: ServerReport }
  | { type: 'notification'; processId: number; channel: string; payload: string }
  | { type: 'parameter'; name: string; value: string }
  | { type: 'lost'; isOrderly: boolean; reason: string; error: ServerReport | null };

/** The handlers of a query that speaks the protocol itself. */
type Handlers = Record<string, ((...args: unknown[]) => void) | undefined>;

/** Ten years: what is not limited. */
export const UNLIMITED_MS = 315_360_000_000;
/** How long opening a connection may take when `connectionTimeoutMillis` does not say. */
const CONNECT_TIMEOUT_MS = 30_000;

/** The times of a native pool. */
export function timesOf(connectionTimeoutMillis: number | undefined): Record<string, number> {
  return {
    acquireTimeoutMs: connectionTimeoutMillis || UNLIMITED_MS,
    connectTimeoutMs: connectionTimeoutMillis || CONNECT_TIMEOUT_MS,
  };
}

/** How a pool follows one of its clients. */
export interface PoolWatch {
  onLost(isOrderly: boolean, error: Error): void;
}

/**
 * One connection, as node-postgres' `Client`.
 *
 * Queries are sent without waiting for the answers to those before, and are answered in their order.
 * An open client keeps the process alive.
 */
export class Client extends EventEmitter {
  /** For what looks for it here, as it may with node-postgres. */
  static readonly Query = Query;

  readonly connectionParameters: ConnectionParameters;
  readonly user: string | undefined;
  readonly database: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly ssl: ConnectionParameters['ssl'];
  readonly pipeline = true;
  readonly binary = false;
  declare password: ClientConfig['password'];
  processID: number | null = null;
  readonly secretKey: null = null;
  readonly replication: undefined;
  /** Whether statements can be sent. @internal */
  _queryable = true;
  /** Whether its end was asked for. @internal */
  _ending = false;
  /** Whether its connection is gone. @internal */
  _ended = false;
  _connecting = false;
  _connected = false;
  /** How often a pool lent it. @internal */
  _poolUseCount = 0;

  readonly #types: TypeOverrides;
  readonly #connectionTimeout: number | undefined;
  readonly #Promise: PromiseConstructor | undefined;
  readonly #queryTimeout: number;
  #connection: Connection | undefined;
  /** The native pool of one connection, of a client without a pool. */
  #own: NativePool | undefined;
  #pool = 0;
  #session = 0;
  #events = 0;
  #watch: PoolWatch | undefined;
  #holdsProcess = false;
  #isReferenced = true;
  /** Queries sent and not yet answered. */
  #running = 0;
  /** What waits for the connection, or for a query that has it for itself. */
  #waiting: { start: () => void; fail: (error: Error) => void }[] = [];
  /** The query that speaks the protocol itself. */
  #speaker: (Submittable & Handlers) | undefined;
  /** The names that queries gave their statements. */
  #names: Map<string, string> | undefined;

  constructor(config?: string | ClientConfig) {
    super();
    const parameters = new ConnectionParameters(config);
    this.connectionParameters = parameters;
    this.user = parameters.user;
    this.database = parameters.database;
    this.host = parameters.host;
    this.port = parameters.port;
    this.ssl = parameters.ssl;
    const options = typeof config === 'object' ? config : {};
    this.#types = new TypeOverrides(options.types);
    this.#connectionTimeout = options.connectionTimeoutMillis;
    this.#Promise = options.Promise;
    this.#queryTimeout = Number(parameters.query_timeout) || 0;
    Object.defineProperty(this, 'password', {
      configurable: true,
      enumerable: false,
      writable: true,
      value: parameters.password,
    });
  }

  /** The protocol, for queries that speak it themselves. */
  get connection(): Connection {
    this.#connection ??= this.#openConnection();
    return this.#connection;
  }

  /**
   * Opens the connection.
   *
   * @throws DatabaseError when the server refuses, or an error with a code such as `ECONNREFUSED`
   */
  connect(): Promise<this>;
  connect(callback: (error: Error | null, client?: this) => void): void;
  connect(callback?: (error: Error | null, client?: this) => void): Promise<this> | undefined {
    return this._settle(this.#connect(), callback && ((error) => callback(error, this)));
  }

  async #connect(): Promise<this> {
    if (this._connecting || this._connected || this._ended) {
      throw new Error('Client has already been connected. You cannot reuse a client.');
    }
    this._connecting = true;
    try {
      const password = await currentPassword(this.password, this.connectionParameters);
      this.#own = new NativePool({
        ...this.connectionParameters.nativeOptions(password),
        ...timesOf(this.#connectionTimeout),
        maxConnections: 1,
        idleTimeoutMs: UNLIMITED_MS,
        maxLifetimeMs: UNLIMITED_MS,
      });
      const session = await this.#own.checkOut((json) => this._onEvent(json), requestSignals());
      this.#pool = this.#own.id;
      this._attach(session);
    } catch (error) {
      this._connecting = false;
      this._queryable = false;
      this._ended = true;
      await this.#own?.close();
      this.#failWaiting(error as Error);
      throw connectError(error as Error, this.#connectionTimeout);
    }
    if (this._ending) {
      this.#close();
      throw new Error('Connection terminated');
    }
    return this;
  }

  /** Makes the session this client's connection. @internal */
  _attach(session: Session, watch?: PoolWatch): void {
    const isNew = !this._connected;
    if (this.#events !== 0) stopListening(this.#events);
    this.#session = session.id;
    this.#events = session.events;
    this.#watch = watch;
    this.processID = session.processId;
    this._connecting = false;
    this._connected = true;
    this.#hold(true);
    if (isNew) this.emit('connect');
    this.#startWaiting();
  }

  /** Gives the connection back to its pool, or closes it. @internal */
  _detach(isReusable: boolean): void {
    const session = this.#session;
    this.#session = 0;
    this.#hold(false);
    if (session === 0) return;
    if (isReusable) release(session);
    else destroy(session);
  }

  /** The pool that lent it. @internal */
  set _pool(pool: number) {
    this.#pool = pool;
  }

  query(
    config: string | QueryConfig | Submittable | Query,
    values?: readonly unknown[] | QueryCallback | null,
    callback?: QueryCallback,
  ): unknown {
    if (config === null || config === undefined) {
      throw new TypeError('Client was passed a null or undefined query');
    }
    if (config instanceof Query) return this.#runReporting(config, values, callback);
    if (typeof (config as Submittable).submit === 'function') {
      return this.#submit(config as Submittable & Handlers, values, callback);
    }
    const query = normalizeQuery(config as string | QueryConfig, values, callback);
    const { callback: report } = query;
    if (report && typeof report !== 'function') throw new TypeError('callback is not a function');
    const outcome = this.#run(query);
    if (report === undefined && this.#Promise === undefined) return outcome;
    return this._settle(outcome, report);
  }

  /** Runs a query as soon as its turn has come. */
  #run(query: QueryConfig): Promise<Outcome> {
    const refusal = this.#refusal() ?? this.#nameConflict(query);
    if (refusal !== undefined) return Promise.reject(refusal);
    if (this.#session !== 0 && this.#speaker === undefined && this.#waiting.length === 0) {
      return this.#start(query);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ start: () => resolve(this.#start(query)), fail: reject });
    });
  }

  #start(query: QueryConfig): Promise<Outcome> {
    this.#running++;
    const target = { pool: this.#pool, session: this.#session };
    const settings = { types: this.#types, queryTimeout: this.#queryTimeout };
    return runQuery(target, query, settings).then(
      (outcome) => {
        this.#finish();
        return outcome;
      },
      (error: Error) => {
        this.#finish();
        throw traced(this._ending && !isReport(error) ? terminated(error) : error);
      },
    );
  }

  #finish(): void {
    this.#running--;
    if (this.#running > 0) return;
    if (this.#waiting.length > 0) this.#startWaiting();
    else if (this.#speaker === undefined) this.emit('drain');
  }

  #refusal(): Error | undefined {
    if (this._ending) return new Error('Client was closed and is not queryable');
    if (!this._queryable) {
      return new Error('Client has encountered a connection error and is not queryable');
    }
    if (this._connected && this.#session === 0) {
      return new Error('Client was released to its pool and is not queryable: check one out again');
    }
    return undefined;
  }

  /** node-postgres sends a named statement's text once; here the name only has to be unambiguous. */
  #nameConflict({ name, text }: QueryConfig): Error | undefined {
    if (!name || text === undefined) return undefined;
    this.#names ??= new Map();
    const known = this.#names.get(name);
    if (known === undefined) this.#names.set(name, text);
    else if (known !== text) {
      return new Error(
        `Prepared statements must be unique - '${name}' was used for a different statement`,
      );
    }
    return undefined;
  }

  #runReporting(query: Query, values: unknown, callback: QueryCallback | undefined): Query {
    query.callback ??= typeof values === 'function' ? (values as QueryCallback) : callback;
    this.#run(query).then(
      (outcome) => outsidePromise(() => query.handleResult(outcome)),
      (error: Error) => outsidePromise(() => query.handleError(error)),
    );
    return query;
  }

  /** Lets a query have the connection for itself when its turn has come. */
  #submit(
    query: Submittable & Handlers,
    values: unknown,
    callback: QueryCallback | undefined,
  ): Submittable {
    if (!query.callback) {
      if (typeof values === 'function') query.callback = values as QueryCallback & Handlers[string];
      else if (callback) query.callback = callback as QueryCallback & Handlers[string];
    }
    const fail = (error: Error) => query.handleError?.(error, this.connection);
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      process.nextTick(fail, refusal);
      return query;
    }
    const start = () => {
      this.#speaker = query;
      const problem = query.submit(this.connection);
      if (problem instanceof Error) {
        process.nextTick(fail, problem);
        this.#endSpeaking();
      }
    };
    this.#waiting.push({ start, fail });
    this.#startWaiting();
    return query;
  }

  /** Starts what waits, up to a query that needs the connection for itself. */
  #startWaiting(): void {
    while (this.#waiting.length > 0 && this.#session !== 0 && this.#speaker === undefined) {
      const [next] = this.#waiting;
      // A speaker's messages must not mix with those of queries in flight.
      if (next === undefined || this.#running > 0) return;
      this.#waiting.shift();
      next.start();
    }
  }

  #endSpeaking(): void {
    this.#speaker = undefined;
    if (this.#waiting.length > 0) this.#startWaiting();
    else if (this.#running === 0) this.emit('drain');
  }

  #openConnection(): Connection {
    const client = this;
    const connection = new Connection({
      get session() {
        return client.#session;
      },
      onExchangeEnd: () => {
        const speaker = this.#speaker;
        this.#speaker = undefined;
        speaker?.handleReadyForQuery?.(connection);
        this.#endSpeaking();
      },
      onExchangeFailure: (error) => {
        const speaker = this.#speaker;
        this.#speaker = undefined;
        speaker?.handleError?.(this._ending ? terminated(error) : error, connection);
        this.#endSpeaking();
      },
    });
    const pass = (event: string, handler: string) =>
      connection.on(event, (message) => this.#speaker?.[handler]?.(message, connection));
    pass('rowDescription', 'handleRowDescription');
    pass('dataRow', 'handleDataRow');
    pass('commandComplete', 'handleCommandComplete');
    pass('errorMessage', 'handleError');
    pass('copyData', 'handleCopyData');
    const call = (event: string, handler: string) =>
      connection.on(event, () => this.#speaker?.[handler]?.(connection));
    call('portalSuspended', 'handlePortalSuspended');
    call('emptyQuery', 'handleEmptyQuery');
    call('copyInResponse', 'handleCopyInResponse');
    connection.on('notice', (notice) => this.emit('notice', notice));
    connection.on('notification', (notification) => this.emit('notification', notification));
    return connection;
  }

  /** Takes an event of the session. @internal */
  _onEvent(json: string): void {
    const event = JSON.parse(json) as SessionEvent;
    // What a listener throws must not reach the boundary.
    switch (event.type) {
      case 'notice':
        outsidePromise(() => this.emit('notice', noticeOf(event.notice)));
        break;
      case 'notification': {
        const { processId, channel, payload } = event;
        const length = 4 + 4 + Buffer.byteLength(channel) + 1 + Buffer.byteLength(payload) + 1;
        const message = { length, name: 'notification', processId, channel, payload };
        outsidePromise(() => this.emit('notification', message));
        break;
      }
      case 'lost':
        this.#onLost(event.isOrderly, event.error);
        break;
    }
  }

  #onLost(isOrderly: boolean, report: ServerReport | null): void {
    const wasRunning = this.#running > 0 || this.#speaker !== undefined;
    const wasEnding = this._ending;
    stopListening(this.#events);
    this.#events = 0;
    this.#session = 0;
    this._queryable = false;
    this._ended = true;
    this.#hold(false);
    const error =
      report === null || wasRunning
        ? new Error(wasEnding ? 'Connection terminated' : 'Connection terminated unexpectedly')
        : databaseError(report);
    this.#failWaiting(error);
    process.nextTick(() => {
      const watch = this.#watch;
      const isUnexpected = !isOrderly && !wasEnding;
      // Of a client without a pool nobody would hear otherwise, so it is loud as any emitter.
      if (isUnexpected && (watch === undefined || this.listenerCount('error') > 0)) {
        this.emit('error', error);
      }
      this.emit('end');
      watch?.onLost(!isUnexpected, error);
    });
  }

  #failWaiting(error: Error): void {
    for (const { fail } of this.#waiting.splice(0)) process.nextTick(fail, error);
  }

  /** Closes the connection; what runs on it fails. */
  end(): Promise<void>;
  end(callback: (error?: Error) => void): void;
  end(callback?: (error?: Error) => void): Promise<void> | undefined {
    return this._settle(this.#end(), callback && ((error) => callback(error ?? undefined)));
  }

  async #end(): Promise<void> {
    this._ending = true;
    if (!this._connected || this._ended) return;
    const ended = new Promise<void>((resolve) => this.once('end', () => resolve()));
    this.#close();
    await ended;
  }

  #close(): void {
    this._ending = true;
    this.#failWaiting(new Error('Connection terminated'));
    this._detach(false);
    void this.#own?.close();
  }

  /** `I` outside of transactions, `T` in one, `E` in one that has failed; null before the start. */
  getTransactionStatus(): string | null {
    return this.#session === 0 ? null : transactionStatus(this.#session);
  }

  setTypeParser(oid: number, parser: TypeParser): void;
  setTypeParser(oid: number, format: 'text' | 'binary', parser: TypeParser): void;
  setTypeParser(oid: number, format: 'text' | 'binary' | TypeParser, parser?: TypeParser): void {
    this.#types.setTypeParser(oid, format as 'text', parser as TypeParser);
  }

  getTypeParser(oid: number, format?: 'text' | 'binary'): TypeParser {
    return this.#types.getTypeParser(oid, format);
  }

  escapeIdentifier(name: string): string {
    return escapeIdentifier(name);
  }

  escapeLiteral(text: string): string {
    return escapeLiteral(text);
  }

  /** Lets the open connection keep the process alive, as it does at first. */
  ref(): void {
    this.#isReferenced = true;
    this.#hold(this.#session !== 0);
  }

  /** Lets the process end although the connection is open. */
  unref(): void {
    this.#isReferenced = false;
    this.#hold(false);
  }

  #hold(isNeeded: boolean): void {
    const holds = isNeeded && this.#isReferenced;
    if (holds === this.#holdsProcess) return;
    this.#holdsProcess = holds;
    if (holds) keepAlive.hold();
    else keepAlive.letGo();
  }

  /** Gives a promise's outcome to a callback, or to the kind of promise that was asked for. @internal */
  _settle<T>(
    outcome: Promise<T>,
    callback: ((error: Error | null, value?: T) => void) | undefined,
  ): Promise<T> | undefined {
    return settle(outcome, callback, this.#Promise);
  }
}

/** Gives a promise's outcome to a callback, or to another kind of promise. */
export function settle<T>(
  outcome: Promise<T>,
  callback: ((error: Error | null, value?: T) => void) | undefined,
  Kind: PromiseConstructor | undefined,
): Promise<T> | undefined {
  if (callback === undefined) {
    return Kind === undefined
      ? outcome
      : new Kind((resolve, reject) => {
          outcome.then(resolve, reject);
        });
  }
  const { domain } = process as { domain?: { bind<F>(fn: F): F } };
  const report = domain ? domain.bind(callback) : callback;
  outcome.then(
    (value) => outsidePromise(() => report(null, value)),
    (error: Error) => outsidePromise(() => report(error)),
  );
  return undefined;
}

/** Calls a function of the user's; what it throws becomes an uncaught exception, not a rejection. */
export function outsidePromise(call: () => void): void {
  try {
    call();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}

/** The password to connect with now. */
export async function currentPassword(
  password: ClientConfig['password'],
  parameters: ConnectionParameters,
): Promise<string | null | undefined> {
  if (typeof password !== 'function') return password;
  const secret = await (password as (parameters: unknown) => unknown)(parameters);
  if (secret !== undefined && secret !== null && typeof secret !== 'string') {
    throw new TypeError('Password must be a string');
  }
  return secret;
}

/** Lets the stack lead to who asked, not into the boundary. */
export function traced(error: Error): Error {
  if (error instanceof Error) Error.captureStackTrace(error, traced);
  return error;
}

function connectError(error: Error, timeout: number | undefined): Error {
  if ((error as { code?: string }).code !== 'ETIMEDOUT' || !timeout) return error;
  return new Error('timeout expired', { cause: error });
}

/** Whether the server itself said it. */
function isReport(error: Error): boolean {
  return error.name === 'error';
}

function terminated(cause: Error): Error {
  return new Error('Connection terminated', { cause });
}
