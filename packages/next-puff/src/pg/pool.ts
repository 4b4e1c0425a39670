import { EventEmitter } from 'node:events';
import { Database, DEFAULT_POOL } from '../postgres/database.js';
import type { Transaction } from '../postgres/transaction.js';
import {
  Client,
  connectError,
  currentPassword,
  outsidePromise,
  settle,
  timesOf,
  traced,
  UNLIMITED_MS,
} from './client.js';
import { type ClientConfig, ConnectionParameters } from './connection-parameters.js';
import { NativePool, release } from './native-pool.js';
import {
  normalizeQuery,
  type Outcome,
  Query,
  type QueryCallback,
  type QueryConfig,
  type Submittable,
} from './query.js';
import { requestSignals, runQuery } from './run-query.js';
import { TypeOverrides } from './type-overrides.js';

/** A client that a pool has lent. */
export interface PoolClient extends Client {
  /** Gives it back; with an error or `true` its connection is closed. */
  release(error?: Error | boolean): void;
}

type ClientClass = new (config: ClientConfig) => Client;
type Done = (error?: Error | boolean) => void;
type ConnectCallback = (error: Error | undefined, client?: PoolClient, done?: Done) => void;

/** The options of a pool, as node-postgres' `PoolConfig`. */
export interface PoolConfig extends ClientConfig {
  max?: number | undefined;
  min?: number | undefined;
  idleTimeoutMillis?: number | null | undefined;
  maxUses?: number | undefined;
  maxLifetimeSeconds?: number | undefined;
  allowExitOnIdle?: boolean | undefined;
  log?: ((...messages: unknown[]) => void) | undefined;
  Client?: ClientClass | undefined;
  onConnect?: ((client: Client) => unknown) | undefined;
  verify?: ((client: PoolClient, done: (error?: Error) => void) => void) | undefined;
  /**
   * Lets `pool.query` run in the transaction that the calling code has on the pool of this name of
   * `postgres` (`true` for the default one): a `postgres.transaction()`, or a request's. Clients of
   * `pool.connect()` keep connections of their own.
   */
  joinsTransactions?: boolean | string | undefined;
}

/** A pool's options with its defaults filled in. */
export interface PoolOptions extends PoolConfig {
  max: number;
  min: number;
  maxUses: number;
  maxLifetimeSeconds: number;
  allowExitOnIdle: boolean;
  idleTimeoutMillis: number | null;
}

const IDLE_TIMEOUT_MS = 10_000;
const NOOP = () => {};
const CONNECT_TIMEOUT = 'Connection terminated due to connection timeout';

/**
 * A pool of connections, as node-postgres' `Pool`.
 *
 * The connections live in a pool of the native core. A query for which nobody needs to see a client
 * (`pool.query` without listeners of `connect`, `acquire`, `release` and `remove`) goes there directly. Idle
 * connections do not keep the process alive.
 */
export class Pool extends EventEmitter {
  readonly options: PoolOptions;
  readonly Client: ClientClass;
  readonly Promise: PromiseConstructor;
  readonly log: (...messages: unknown[]) => void;
  ending = false;
  ended = false;
  readonly #parameters: ConnectionParameters;
  readonly #types: TypeOverrides;
  readonly #queryTimeout: number;
  readonly #isDirect: boolean;
  /** Where transactions are joined. */
  readonly #joinable: Database | undefined;
  #opened: NativePool | undefined;
  /** How many queries and check-outs the native pool has not answered yet. */
  #pending = 0;
  /** Lets the pool end when the last of them is answered. */
  #onSettled: (() => void) | undefined;
  /** Clients whose connection was given up and is about to end. */
  readonly #closing = new Set<Client>();
  /** The clients of the connections that were ever lent, by their server processes. */
  readonly #clients = new Map<number, { client: PoolClient; since: number; isLent: boolean }>();

  constructor(options: PoolConfig = {}, ClientClass?: ClientClass) {
    super();
    const { password, ...visible } = options;
    this.options = {
      ...visible,
      max: options.max || (options.poolSize as number) || 10,
      min: options.min || 0,
      maxUses: options.maxUses || Number.POSITIVE_INFINITY,
      maxLifetimeSeconds: options.maxLifetimeSeconds || 0,
      allowExitOnIdle: options.allowExitOnIdle || false,
      idleTimeoutMillis:
        options.idleTimeoutMillis === undefined ? IDLE_TIMEOUT_MS : options.idleTimeoutMillis,
    };
    const { joinsTransactions } = options;
    if (joinsTransactions) {
      this.#joinable = new Database(joinsTransactions === true ? DEFAULT_POOL : joinsTransactions);
    }
    if ('password' in options) {
      // Not enumerable, so that it does not show in what is logged.
      Object.defineProperty(this.options, 'password', {
        configurable: true,
        enumerable: false,
        writable: true,
        value: password,
      });
    }
    this.Client = options.Client ?? ClientClass ?? Client;
    this.Promise = options.Promise ?? Promise;
    this.log = options.log ?? NOOP;
    this.#parameters = new ConnectionParameters(this.#clientConfig());
    this.#types = new TypeOverrides(options.types);
    this.#queryTimeout = Number(this.#parameters.query_timeout) || 0;
    this.#isDirect =
      this.Client === Client &&
      !options.onConnect &&
      !options.verify &&
      this.options.maxUses === Number.POSITIVE_INFINITY &&
      typeof this.#parameters.password !== 'function';
  }

  /** Connections, those being opened among them. */
  get totalCount(): number {
    if (this.#opened === undefined || this.ended) return 0;
    const { open, opening } = this.#opened.status;
    return open + opening - this.#closing.size;
  }

  /** Connections that wait for work. */
  get idleCount(): number {
    return this.#opened === undefined || this.ended ? 0 : this.#opened.status.idle;
  }

  /** Callers that wait for a connection, beyond those for whom one is being opened. */
  get waitingCount(): number {
    if (this.#opened === undefined || this.ended) return 0;
    const { waiting, opening } = this.#opened.status;
    return Math.max(0, waiting - opening);
  }

  /** Lent connections that are older than `maxLifetimeSeconds` and will be closed when they return. */
  get expiredCount(): number {
    const lifetime = this.options.maxLifetimeSeconds * 1000;
    if (lifetime === 0) return 0;
    const now = Date.now();
    return [...this.#clients.values()].filter(({ since }) => now - since >= lifetime).length;
  }

  /** Checks a client out; give it back with its `release()`. */
  connect(): Promise<PoolClient>;
  connect(callback: ConnectCallback): void;
  connect(callback?: ConnectCallback): Promise<PoolClient> | undefined {
    const lent = this.#awaited(this.#checkOut());
    if (callback === undefined) return this.#promise(lent);
    lent.then(
      (client) => outsidePromise(() => callback(undefined, client, client.release)),
      (error: Error) => outsidePromise(() => callback(error, undefined, NOOP)),
    );
    return undefined;
  }

  query(
    config: string | QueryConfig | Submittable,
    values?: readonly unknown[] | QueryCallback | null,
    callback?: QueryCallback,
  ): unknown {
    if (typeof config === 'function') {
      const error = new Error(
        'Passing a function as the first parameter to pool.query is not supported',
      );
      return settle(Promise.reject(error), config as QueryCallback, undefined);
    }
    if (typeof (config as Submittable)?.submit === 'function' || config instanceof Query) {
      return this.#submit(config as Submittable, values, callback);
    }
    const query = normalizeQuery(config as string | QueryConfig, values, callback);
    const outcome = this.#run(query);
    const { callback: report } = query;
    if (report === undefined) return this.#promise(outcome);
    // Unlike a client, node-postgres' pool calls back without null.
    const reportAsPool = report as (error: Error | undefined, outcome?: Outcome) => void;
    return settle(
      outcome,
      (error, outcome) => reportAsPool(error ?? undefined, outcome),
      undefined,
    );
  }

  /** Closes the pool; resolves when the last client was given back and its connection is closed. */
  end(): Promise<void>;
  end(callback: () => void): void;
  end(callback?: (error?: Error) => void): Promise<void> | undefined {
    const ended = this.#end();
    if (callback === undefined) return this.#promise(ended);
    return settle(ended, (error) => callback(error ?? undefined), undefined);
  }

  async #end(): Promise<void> {
    if (this.ending) throw new Error('Called end on pool more than once');
    this.log('ending');
    this.ending = true;
    // What was asked for before still gets its connection.
    if (this.#pending > 0) {
      await new Promise<void>((resolve) => {
        this.#onSettled = resolve;
      });
    }
    await this.#opened?.close();
    this.ended = true;
  }

  #canGoDirect(): boolean {
    return (
      this.#isDirect &&
      !this.ending &&
      this.listenerCount('connect') === 0 &&
      this.listenerCount('acquire') === 0 &&
      this.listenerCount('remove') === 0 &&
      this.listenerCount('release') === 0
    );
  }

  #run(query: QueryConfig): Promise<Outcome> {
    const transaction = this.#joinable?.current();
    if (transaction !== undefined) return this.#runIn(transaction, query);
    return this.#canGoDirect() ? this.#runDirect(query) : this.#runOnClient(query);
  }

  async #runIn(
    transaction: Transaction | Promise<Transaction>,
    query: QueryConfig,
  ): Promise<Outcome> {
    const settings = { types: this.#types, queryTimeout: this.#queryTimeout };
    const joined = await transaction;
    try {
      return await joined.perform((target) => runQuery(target, query, settings));
    } catch (error) {
      throw traced(error as Error);
    }
  }

  #runDirect(query: QueryConfig): Promise<Outcome> {
    this.log('dispatching query');
    const settings = { types: this.#types, queryTimeout: this.#queryTimeout };
    let pool: number;
    try {
      pool = this.#native().id;
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#awaited(runQuery({ pool, session: 0 }, query, settings));
  }

  /** Lets the pool's end wait for it. */
  #awaited<T>(pending: Promise<T>): Promise<T> {
    this.#pending++;
    return pending.then(this.#succeed as (answer: T) => T, this.#refuse);
  }

  // Made once: every query has them.

  readonly #succeed = (answer: unknown): unknown => {
    this.#settle();
    return answer;
  };

  readonly #refuse = (error: Error): never => {
    this.#settle();
    throw traced(connectError(error, this.options.connectionTimeoutMillis, CONNECT_TIMEOUT));
  };

  #settle(): void {
    if (--this.#pending === 0) this.#onSettled?.();
  }

  async #runOnClient(query: QueryConfig): Promise<Outcome> {
    const client = await this.connect();
    let failure: Error | undefined;
    const onError = (error: Error) => {
      failure = error;
    };
    client.once('error', onError);
    try {
      const { callback: _callback, ...config } = query;
      return (await client.query(config)) as Outcome;
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      client.removeListener('error', onError);
      client.release(failure);
    }
  }

  /** Runs what reports by itself on a client that goes back when it has ended. */
  #submit(query: Submittable, values: unknown, callback: QueryCallback | undefined): unknown {
    this.connect((error, client) => {
      if (client === undefined) {
        (query as unknown as { handleError(error: unknown): void }).handleError(error);
        return;
      }
      client.once('drain', () => client.release());
      client.query(query, values as QueryCallback, callback);
    });
    return query;
  }

  async #checkOut(): Promise<PoolClient> {
    if (this.ending) throw new Error('Cannot use a pool after calling end on the pool');
    const pool = this.#native();
    if (typeof this.#parameters.password === 'function' && pool.status.idle === 0) {
      pool.password = await currentPassword(this.#parameters.password, this.#parameters);
    }
    let receiver: Client | undefined;
    const session = await pool.checkOut((json) => receiver?._onEvent(json), requestSignals());
    const known = this.#clients.get(session.processId);
    if (known !== undefined) {
      receiver = known.client;
      known.isLent = true;
      return this.#lend(known.client, session);
    }
    let client: PoolClient;
    try {
      client = new this.Client(this.#clientConfig()) as PoolClient;
    } catch (error) {
      release(session.id);
      throw error;
    }
    receiver = client;
    client._pool = pool.id;
    const { processId } = session;
    this.#clients.set(processId, { client, since: Date.now(), isLent: true });
    client.release = this.#releaseOnce(client, processId);
    client._attach(session, {
      onLost: (isOrderly, error) => this.#onLost(client, processId, isOrderly, error),
    });
    return this.#introduce(client);
  }

  /** Lets the pool's owner see a new connection before anybody uses it. */
  async #introduce(client: PoolClient): Promise<PoolClient> {
    this.log('new client connected');
    const { onConnect, verify } = this.options;
    if (onConnect) {
      try {
        await onConnect(client);
      } catch (error) {
        client._detach(false);
        throw error;
      }
    }
    this.emit('connect', client);
    this.emit('acquire', client);
    if (!verify) return client;
    return new Promise((resolve, reject) => {
      verify(client, (error) => {
        if (error === undefined || error === null) return resolve(client);
        client.release(error);
        reject(error);
      });
    });
  }

  #lend(client: PoolClient, session: Parameters<Client['_attach']>[0]): PoolClient {
    const { processId } = session;
    client.release = this.#releaseOnce(client, processId);
    client._attach(session, {
      onLost: (isOrderly, error) => this.#onLost(client, processId, isOrderly, error),
    });
    this.emit('acquire', client);
    return client;
  }

  #releaseOnce(client: PoolClient, processId: number): PoolClient['release'] {
    let isReleased = false;
    return (error) => {
      if (isReleased) {
        throw new Error('Release called on client which has already been released to the pool.');
      }
      isReleased = true;
      client._poolUseCount++;
      const isReusable =
        !error &&
        !this.ending &&
        client._queryable &&
        !client._ending &&
        client._poolUseCount < this.options.maxUses;
      const entry = this.#clients.get(processId);
      if (entry?.client === client) entry.isLent = false;
      if (client._poolUseCount >= this.options.maxUses) this.log('remove expended client');
      if (!isReusable) {
        client._ending = true;
        if (!client._ended) this.#closing.add(client);
      }
      // Before the event: who hears of it may want to use the connection.
      client._detach(isReusable);
      this.emit('release', error, client);
    };
  }

  #onLost(client: PoolClient, processId: number, isOrderly: boolean, error: Error): void {
    this.#closing.delete(client);
    const entry = this.#clients.get(processId);
    if (entry?.client !== client) return;
    this.#clients.delete(processId);
    this.log('remove client');
    if (!isOrderly && !entry.isLent && this.listenerCount('error') > 0) {
      this.emit('error', Object.assign(error, { client }), client);
    }
    this.emit('remove', client);
  }

  #native(): NativePool {
    if (this.#opened === undefined) {
      const { options } = this;
      const { password } = this.#parameters;
      this.#opened = new NativePool({
        ...this.#parameters.nativeOptions(typeof password === 'function' ? null : password),
        ...timesOf(options.connectionTimeoutMillis),
        maxConnections: options.max,
        minConnections: options.min,
        idleTimeoutMs: options.idleTimeoutMillis || UNLIMITED_MS,
        maxLifetimeMs: options.maxLifetimeSeconds * 1000 || UNLIMITED_MS,
      });
    }
    return this.#opened;
  }

  /** What a client of this pool is made with. */
  #clientConfig(): ClientConfig {
    const config: ClientConfig = { ...this.options };
    if ('password' in this.options) config.password = this.options.password;
    return config;
  }

  #promise<T>(outcome: Promise<T>): Promise<T> {
    return this.Promise === Promise
      ? outcome
      : new this.Promise((resolve, reject) => {
          outcome.then(resolve, reject);
        });
  }
}
