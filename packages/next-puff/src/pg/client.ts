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
  /** Whether its end waits for the queries that were sent; they are always sent at once. */
  readonly pipeline: boolean;
  readonly binary: boolean;
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
  /** Whether a query speaks the protocol itself; until the server is ready for the next. */
  #isSpoken = false;
  /** That query, as long as it wants to hear of messages. */
  #speaker: (Submittable & Handlers) | undefined;
  /** The server's last words reached the query that was running. */
  #heardLastWords = false;
  /** Settles when the connection is open, or cannot be opened. */
  #opening: Promise<unknown> | undefined;
  /** The names that queries gave their statements. */
  #names: Map<string, { text: string; isProven: boolean }> | undefined;

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
    this.pipeline = Boolean(options.pipeline);
    this.binary = Boolean(options.binary);
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
    const opening = this.#connect();
    return this._settle(opening, callback && ((error) => callback(error, this)));
  }

  async #connect(): Promise<this> {
    if (this._connecting || this._connected || this._ended) {
      throw new Error('Client has already been connected. You cannot reuse a client.');
    }
    this._connecting = true;
    this.#opening = this.#open();
    await this.#opening;
    return this;
  }

  async #open(): Promise<void> {
    try {
      const password = await currentPassword(this.password, this.connectionParameters);
      this.#own = new NativePool({
        ...this.connectionParameters.nativeOptions(password),
        ...timesOf(this.#connectionTimeout),
        // The connection is opened for this client: only that can take time.
        acquireTimeoutMs: UNLIMITED_MS,
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
      throw connectError(error as Error, this.#connectionTimeout, 'timeout expired');
    }
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
    const refusal = this.#refusal() ?? this.#name(query);
    if (refusal !== undefined) return Promise.reject(refusal);
    if (this.binary) query.binary ??= true;
    if (this.#session !== 0 && !this.#isSpoken && this.#waiting.length === 0) {
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
        // Whether the answer was quicker than the end must not be luck.
        if (this._ending && !this.pipeline) {
          this.#finish();
          throw new Error('Connection terminated');
        }
        const named = query.name && this.#names?.get(query.name);
        if (named) named.isProven = true;
        this.#finish();
        return outcome;
      },
      (error: Error) => {
        // A text that the server never took does not keep its name.
        if (query.name && !this.#names?.get(query.name)?.isProven) this.#names?.delete(query.name);
        this.#finish();
        throw traced(this.#asReported(error));
      },
    );
  }

  #finish(): void {
    this.#running--;
    if (this.#running > 0) return;
    if (this.#waiting.length > 0) this.#startWaiting();
    else this.#drain();
  }

  /** Tells that nothing is left to do, unless who was just answered has more. */
  #drain(): void {
    process.nextTick(() => {
      const isIdle = this.#running === 0 && this.#waiting.length === 0 && !this.#isSpoken;
      if (isIdle) this.emit('drain');
    });
  }

  /** A broken connection's last words are for the query that it was working on. */
  #asReported(error: Error): Error {
    const { severity } = error as { severity?: string };
    if (severity === 'FATAL' && !this.#heardLastWords) {
      this.#heardLastWords = true;
      return error;
    }
    if (severity === 'FATAL' && this.#heardLastWords) return terminated(error, ' unexpectedly');
    return this._ending && error.message.startsWith('Connection terminated')
      ? terminated(error)
      : error;
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

  /** A name stands for the text that it was first given with: statements are prepared by their texts. */
  #name(query: QueryConfig): Error | undefined {
    const { name, text } = query;
    if (!name) return undefined;
    this.#names ??= new Map();
    const known = this.#names.get(name);
    if (!text) query.text = known?.text ?? '';
    else if (known === undefined) this.#names.set(name, { text, isProven: false });
    else if (known.text !== text) {
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
      this.#isSpoken = true;
      this.#speaker = query;
      const problem = query.submit(this.connection);
      if (problem instanceof Error) {
        process.nextTick(fail, problem);
        this.#endSpeaking();
      }
    };
    if (this.#queryTimeout > 0) this.#limit(query);
    this.#waiting.push({ start, fail });
    this.#startWaiting();
    return query;
  }

  /** Gives a query that speaks the protocol a time limit. */
  #limit(query: Submittable & Handlers): void {
    const timer = setTimeout(() => {
      if (this.#speaker !== query) return;
      this.#speaker = undefined;
      query.handleError?.(new Error('Query read timeout'), this.connection);
      this.connection.cancel();
    }, this.#queryTimeout);
    this.once('drain', () => clearTimeout(timer));
  }

  /** Starts what waits, up to a query that needs the connection for itself. */
  #startWaiting(): void {
    while (this.#waiting.length > 0 && this.#session !== 0 && !this.#isSpoken) {
      const [next] = this.#waiting;
      // A speaker's messages must not mix with those of queries in flight.
      if (next === undefined || this.#running > 0) return;
      this.#waiting.shift();
      next.start();
    }
  }

  #endSpeaking(): void {
    this.#isSpoken = false;
    this.#speaker = undefined;
    if (this.#waiting.length > 0) this.#startWaiting();
    else this.#drain();
  }

  #openConnection(): Connection {
    const client = this;
    /** After an error a query hears of nothing more. */
    const report = (error: unknown) => {
      const speaker = this.#speaker;
      this.#speaker = undefined;
      speaker?.handleError?.(error, connection);
    };
    const connection: Connection = new Connection({
      get session() {
        return client.#session;
      },
      end: () => void this.#end(),
      onExchangeEnd: () => {
        const speaker = this.#speaker;
        this.#speaker = undefined;
        speaker?.handleReadyForQuery?.(connection);
        this.#endSpeaking();
      },
      onExchangeFailure: (error) => {
        report(this.#asReported(error));
        this.#endSpeaking();
      },
    });
    const pass = (event: string, handler: string) =>
      connection.on(event, (message) => this.#speaker?.[handler]?.(message, connection));
    pass('rowDescription', 'handleRowDescription');
    pass('dataRow', 'handleDataRow');
    pass('commandComplete', 'handleCommandComplete');
    connection.on('errorMessage', report);
    pass('copyData', 'handleCopyData');
    const call = (event: string, handler: string) =>
      connection.on(event, () => this.#speaker?.[handler]?.(connection));
    call('portalSuspended', 'handlePortalSuspended');
    call('emptyQuery', 'handleEmptyQuery');
    call('copyInResponse', 'handleCopyInResponse');
    connection.on('error', (error) => this.emit('error', error));
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
    const wasRunning = this.#running > 0 || this.#isSpoken || this.#heardLastWords;
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
    // After the queries that it broke have told of it.
    setImmediate(() => {
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
    // After those before them, whose failures are on their way.
    for (const { fail } of this.#waiting.splice(0)) setImmediate(fail, error);
  }

  /** Closes the connection; what runs on it fails. */
  end(): Promise<void>;
  end(callback: (error?: Error) => void): void;
  end(callback?: (error?: Error) => void): Promise<void> | undefined {
    return this._settle(this.#end(), callback && ((error) => callback(error ?? undefined)));
  }

  async #end(): Promise<void> {
    if (!this._connecting && !this._connected) return;
    this._ending = true;
    await this.#opening?.catch(() => {});
    if (this._ended) return;
    if (this.pipeline && this.#running > 0) {
      await new Promise((resolve) => this.once('drain', resolve));
    }
    const ended = new Promise<void>((resolve) => this.once('end', () => resolve()));
    this.#close();
    await ended;
  }

  #close(): void {
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

/** Gives an attempt to connect that took longer than it was allowed node-postgres' message. */
export function connectError(error: Error, timeout: number | undefined, message: string): Error {
  if ((error as { code?: string }).code !== 'ETIMEDOUT' || !timeout) return error;
  return new Error(message, { cause: error });
}

function terminated(cause: Error, how = ''): Error {
  return new Error(`Connection terminated${how}`, { cause });
}
