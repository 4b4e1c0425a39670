import { EventEmitter } from 'node:events';
import type { RedisReply } from '../redis/connection.js';
import { type Callback, withCallback } from './callbacks.js';
import { Command } from './command.js';
import {
  COMMANDS,
  commandMethod,
  defineCommandMethods,
  defineScriptMethods,
  installCommands,
} from './commands.js';
import { isLoading } from './connecting.js';
import { connectionClosed, MaxRetriesPerRequestError, ReplyError, unsupported } from './errors.js';
import { loadingDelay } from './loading.js';
import { type CompleteOptions, completeOptions, type RedisOptions } from './options.js';
import { execResults, Pipeline, type PipelineResult } from './pipeline.js';
import { bytesOf, textOf } from './replies.js';
import { ScanStream, type ScanStreamOptions } from './scan-stream.js';
import { Script, type ScriptDefinition } from './script.js';
import { type Request, Session } from './session.js';
import { Subscriptions } from './subscriptions.js';

const DISCONNECT_LIMIT_MS = 2_000;

/** Where a client stands; each is also an event. */
export type RedisStatus =
  | 'wait'
  | 'connecting'
  | 'connect'
  | 'ready'
  | 'close'
  | 'reconnecting'
  | 'end';

/**
 * ioredis' client on the native core: one instance is one connection, which comes back by itself as `retryStrategy` says.
 * Commands are methods in lower case. What happens to commands while there is no connection is as in ioredis: they wait,
 * those without a reply are sent again, and `maxRetriesPerRequest` bounds both.
 */
export class RedisClient extends EventEmitter {
  readonly options: CompleteOptions;
  readonly isCluster = false;
  readonly scriptsSet: Record<string, Script> = {};
  status: RedisStatus = 'wait';
  /** Pipelines of this client: with the methods that were defined on it. */
  readonly #Pipeline = class extends Pipeline {};
  readonly #subscriptions = new Subscriptions();
  #session: Session | undefined;
  /** Requests that wait for a connection, oldest first. */
  #waiting: Request[] = [];
  /** The database that commands are meant for now, and the one of the connection. */
  #db: number;
  #selectedDb = 0;
  #failedTries = 0;
  #retry: NodeJS.Timeout | undefined;
  #isClosing = false;
  /** Whether the last replies are waited for: nothing is sent any more. */
  #isDraining = false;

  constructor(...args: unknown[]) {
    super();
    this.options = completeOptions(args);
    this.#db = this.options.db;
    for (const [name, definition] of Object.entries(this.options.scripts ?? {})) {
      this.defineCommand(name, definition);
    }
    if (!this.options.lazyConnect) this.connect().catch(() => {});
  }

  static createClient(...args: unknown[]): RedisClient {
    return new RedisClient(...args);
  }

  get mode(): 'normal' | 'subscriber' {
    return this.#subscriptions.isEmpty ? 'normal' : 'subscriber';
  }

  /** Connects, and resolves when commands are taken. Happens by itself unless `lazyConnect` is set. */
  connect(callback?: Callback<void>): Promise<void> {
    return withCallback(this.#connect(), callback);
  }

  /**
   * Ends the connection. Commands that were sent get their replies if these come soon (2 s), unless one of them blocks; the
   * others fail. With `reconnect` a new one is made as after a loss.
   */
  disconnect(reconnect = false): void {
    this.#isClosing = !reconnect;
    const session = this.#session;
    if (session && this.status === 'ready' && session.isBusy) {
      this.#isDraining = true;
      void session.drained(DISCONNECT_LIMIT_MS).then(() => {
        if (this.#session === session) this.#closed();
      });
      return;
    }
    const isIdle = this.status === 'wait' || this.#retry !== undefined;
    if (session || (isIdle && !reconnect)) this.#closed();
  }

  /** @deprecated as in ioredis: use `disconnect`. */
  end(): void {
    this.disconnect();
  }

  /** Ends the connection after the replies of what was sent. */
  quit(callback?: Callback<unknown>): Promise<unknown> {
    const command = new Command('quit', [], {}, callback);
    if (this.status !== 'ready' && this.#waiting.length === 0 && this.status !== 'end') {
      this.disconnect();
      command.resolve('OK');
      return command.promise;
    }
    this.sendCommand(command);
    return command.promise;
  }

  /** A client of its own with the same options, or with some of them replaced. */
  duplicate(override: RedisOptions = {}): RedisClient {
    return new RedisClient({ ...this.options, ...override });
  }

  monitor(): never {
    throw unsupported('monitor()', 'Use `redis-cli monitor`.');
  }

  pipeline(commands?: readonly (readonly unknown[])[]): Pipeline {
    const pipeline = new this.#Pipeline(this);
    return commands ? pipeline.addBatch(commands) : pipeline;
  }

  /** Begins a transaction, as a pipeline; with `{ pipeline: false }` its commands are sent one by one. */
  multi(
    commands?: readonly (readonly unknown[])[] | { pipeline?: boolean },
    options?: { pipeline?: boolean },
  ): unknown {
    const settings = options ?? (Array.isArray(commands) ? {} : (commands as object | undefined));
    if ((settings as { pipeline?: boolean } | undefined)?.pipeline === false) {
      return this.sendCommand(new Command('multi'));
    }
    const pipeline = new this.#Pipeline(this, { isTransaction: true });
    return Array.isArray(commands) ? pipeline.addBatch(commands) : pipeline;
  }

  /** Ends a transaction whose commands were sent one by one. */
  exec(callback?: Callback<PipelineResult[] | null>): Promise<PipelineResult[] | null> {
    const command = new Command('exec');
    this.sendCommand(command);
    return withCallback(command.promise.then(execResults), callback);
  }

  getBuiltinCommands(): string[] {
    return [...COMMANDS];
  }

  /** Adds methods for a command that this client does not know, a module's for example. */
  addBuiltinCommand(name: string): void {
    defineCommandMethods(this, name);
    defineCommandMethods(this.#Pipeline.prototype, name);
  }

  /** Answers functions that send a command with `this` as their client. */
  createBuiltinCommand(name: string): { string: unknown; buffer: unknown } {
    return { string: commandMethod(name, false), buffer: commandMethod(name, true) };
  }

  /** Makes a Lua script a method of this client and of its pipelines. */
  defineCommand(name: string, definition: ScriptDefinition): void {
    const script = new Script(definition);
    this.scriptsSet[name] = script;
    defineScriptMethods(this, name, script);
    defineScriptMethods(this.#Pipeline.prototype, name, script);
  }

  scanStream(options?: ScanStreamOptions): ScanStream {
    return this.#scan('scan', undefined, options);
  }

  scanBufferStream(options?: ScanStreamOptions): ScanStream {
    return this.#scan('scanBuffer', undefined, options);
  }

  sscanStream(key: string, options?: ScanStreamOptions): ScanStream {
    return this.#scan('sscan', key, options);
  }

  sscanBufferStream(key: string, options?: ScanStreamOptions): ScanStream {
    return this.#scan('sscanBuffer', key, options);
  }

  hscanStream(key: string, options?: ScanStreamOptions): ScanStream {
    return this.#scan('hscan', key, options);
  }

  hscanBufferStream(key: string, options?: ScanStreamOptions): ScanStream {
    return this.#scan('hscanBuffer', key, options);
  }

  zscanStream(key: string, options?: ScanStreamOptions): ScanStream {
    return this.#scan('zscan', key, options);
  }

  zscanBufferStream(key: string, options?: ScanStreamOptions): ScanStream {
    return this.#scan('zscanBuffer', key, options);
  }

  /** @internal */
  sendCommand(command: Command): Promise<unknown> {
    this.#accept([command]);
    return command.promise;
  }

  /** @internal */
  sendTogether(commands: readonly Command[]): void {
    this.#accept(commands);
  }

  /** Sends a request, or lets it wait for a connection. */
  #accept(commands: readonly Command[]): void {
    const request = { commands, db: this.#db };
    if (this.status === 'wait') this.connect().catch(() => {});
    if (this.status === 'end') {
      rejectAll([request], connectionClosed());
      return;
    }
    // A connection of RESP2 takes nothing else while it is subscribed.
    if (!this.#subscriptions.isEmpty && !commands.every(Subscriptions.admits)) {
      rejectAll([request], inSubscriberMode());
      return;
    }
    const { commandTimeout } = this.options;
    if (commandTimeout) for (const command of commands) command.limit(commandTimeout);
    const isReady = this.status === 'ready' && !this.#isDraining;
    if (isReady) {
      this.#session?.send(request);
    } else if (this.options.enableOfflineQueue) {
      this.#waiting.push(request);
    } else {
      rejectAll([request], notWritable());
      return;
    }
    for (const command of commands) this.#notice(command, isReady);
  }

  /** What a command changes about the client itself. */
  #notice(command: Command, isSent: boolean): void {
    if (command.name === 'quit' && isSent) {
      this.#isClosing = true;
      // The server closes the connection after its answer; the core would bring it back.
      command.promise.then(
        () => this.#session && this.#closed(),
        () => {},
      );
    }
    const db = Number(command.args[0]);
    if (command.name === 'select' && Number.isInteger(db) && db !== this.#db) {
      this.#db = db;
      if (isSent) this.#selectedDb = db;
      this.emit('select', db);
    }
  }

  async #connect(): Promise<void> {
    if (['connecting', 'connect', 'ready'].includes(this.status)) {
      throw new Error('Redis is already connecting/connected');
    }
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#isClosing = false;
    this.#setStatus('connecting');
    const db = this.#db;
    const session = new Session(this.options, db, this.#subscriptions, {
      onPush: (message) => this.#pushed(message),
      onEnd: (error) => {
        if (this.#session === session) this.#lost(error);
      },
      onReplyError: (...args) => this.#reconnectsOn(...args),
    });
    this.#session = session;
    const isCurrent = () => this.#session === session;
    try {
      await session.open();
      if (!isCurrent()) throw connectionClosed();
      this.#selectedDb = db;
      this.#setStatus('connect');
      await this.#prepare(session);
    } catch (error) {
      if (isCurrent()) this.#lost(error as Error);
      throw error;
    }
    if (!isCurrent()) throw connectionClosed();
    this.#ready(session);
  }

  /** What is sent before commands are. Resolves when the server takes them. */
  async #prepare(session: Session): Promise<void> {
    const { readOnly, enableReadyCheck, maxLoadingRetryTime } = this.options;
    if (readOnly) await session.ask('READONLY').catch(() => {});
    while (enableReadyCheck && this.#session === session) {
      const delayMs = await loadingDelay(session, maxLoadingRetryTime);
      if (delayMs === undefined) break;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }

  #ready(session: Session): void {
    this.#setStatus('ready');
    this.#failedTries = 0;
    if (this.options.autoResubscribe) {
      this.#subscriptions.forEach((kind, channels) => {
        // The channels of a shard must be of one slot, so each gets a command.
        const groups = kind === 'ssubscribe' ? channels.map((one) => [one]) : [channels];
        for (const group of groups) this.#sendOwn(session, new Command(kind, group));
      });
    } else {
      this.#subscriptions.clear();
    }
    for (const request of this.#waiting.splice(0)) {
      const isSelect = request.commands[0]?.name === 'select';
      if (!isSelect) this.#select(session, request.db);
      else this.#selectedDb = request.db;
      session.send(request);
      for (const command of request.commands)
        if (command.name === 'quit') this.#notice(command, true);
    }
    this.#select(session, this.#db);
  }

  #select(session: Session, db: number): void {
    if (this.#selectedDb === db) return;
    this.#selectedDb = db;
    this.#sendOwn(session, new Command('select', [db]));
  }

  #sendOwn(session: Session, command: Command): void {
    command.promise.catch((error) => this.#report(error));
    session.send({ commands: [command], db: this.#db });
  }

  /** The connection is gone, or there was none to be had. */
  #lost(error: Error): void {
    // What Redis itself refuses, a wrong password for example, no waiting command survives.
    if (error instanceof ReplyError) this.#flush(error);
    if (this.status !== 'ready' && !isLoading(error)) this.#report(error);
    this.#closed();
  }

  /** The connection is gone: decides whether and when there will be another one. */
  #closed(): void {
    const wasReady = this.status === 'ready';
    const unanswered = this.#session?.close() ?? [];
    this.#session = undefined;
    this.#isDraining = false;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#setStatus('close');

    const { autoResendUnfulfilledCommands, retryStrategy, maxRetriesPerRequest } = this.options;
    if (wasReady && autoResendUnfulfilledCommands) this.#waiting.unshift(...unanswered);
    else rejectAll(unanswered, connectionClosed());

    const delayMs = this.#isClosing ? undefined : retryStrategy?.(++this.#failedTries);
    if (typeof delayMs !== 'number') {
      this.#isClosing = false;
      this.#setStatus('end');
      this.#flush(connectionClosed());
      return;
    }
    this.#setStatus('reconnecting', delayMs);
    this.#retry = setTimeout(() => this.connect().catch(() => {}), delayMs);
    const tries = maxRetriesPerRequest;
    if (typeof tries === 'number' && tries >= 0 && this.#failedTries % (tries + 1) === 0) {
      this.#flush(new MaxRetriesPerRequestError(tries));
    }
  }

  /** Whether `reconnectOnError` wants a reconnection for an error, and has the command sent again. */
  #reconnectsOn(command: Command, error: Error, request: Request): boolean {
    const wanted = this.options.reconnectOnError?.(error);
    if (!wanted) return false;
    if (wanted === 2) this.#waiting.push({ commands: [command], db: request.db });
    // After the other replies that have come with this one.
    setImmediate(() => this.status === 'ready' && this.disconnect(true));
    return wanted === 2;
  }

  #flush(error: Error): void {
    rejectAll(this.#waiting.splice(0), error);
  }

  #pushed(message: readonly RedisReply[]): void {
    const [kind, ...rest] = message;
    const name = textOf(kind);
    if (name === 'pmessage') {
      const [pattern, channel, data] = rest;
      this.emit(name, textOf(pattern), textOf(channel), textOf(data));
      if (this.listenerCount('pmessageBuffer') > 0) {
        this.emit('pmessageBuffer', textOf(pattern), bytesOf(channel), bytesOf(data));
      }
    } else if (name === 'message' || name === 'smessage') {
      const [channel, data] = rest;
      this.emit(name, textOf(channel), textOf(data));
      if (this.listenerCount(`${name}Buffer`) > 0) {
        this.emit(`${name}Buffer`, bytesOf(channel), bytesOf(data));
      }
    }
  }

  #setStatus(status: RedisStatus, detail?: unknown): void {
    this.status = status;
    process.nextTick(() => this.emit(status, detail));
  }

  /** Tells the listeners of `error`, or the console where there are none. */
  #report(error: Error): void {
    if (this.status === 'end' || this.#isClosing) return;
    if (this.listenerCount('error') > 0) this.emit('error', error);
    else console.error('[next-puff/ioredis] Unhandled error event:', error);
  }

  #scan(method: string, key: string | undefined, options?: ScanStreamOptions): ScanStream {
    const methods = this as unknown as Record<string, (...args: unknown[]) => unknown>;
    return new ScanStream((args, done) => methods[method]?.(args, done), key, options);
  }
}

function notWritable(): Error {
  return new Error("Stream isn't writeable and enableOfflineQueue options is false");
}

function inSubscriberMode(): Error {
  return new Error('Connection in subscriber mode, only subscriber commands may be used');
}

function rejectAll(requests: readonly Request[], error: Error): void {
  for (const { commands } of requests) for (const command of commands) command.reject(error);
}

installCommands(RedisClient.prototype);
