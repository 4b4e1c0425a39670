import type { RedisArgument } from '../redis/connection.js';
import { prefixKeys, redisArguments } from './arguments.js';
import { type Callback, withCallback } from './callbacks.js';
import { ReplyError } from './errors.js';
import { replyBuffers, replyNumbersAsText, replyText, shapeReply } from './replies.js';
import type { Script } from './script.js';

export interface CommandOptions {
  /** Whether the reply's strings stay bytes. */
  buffers?: boolean;
  keyPrefix?: string | Buffer | undefined;
  /** Where the command was called, for `showFriendlyErrorStack`. */
  calledAt?: Error | undefined;
  /** The script that is called; the arguments are those of EVALSHA after the digest. */
  script?: Script;
}

/** One command, from the call to its reply; it may be sent several times. */
export class Command {
  readonly name: string;
  readonly args: RedisArgument[];
  readonly buffers: boolean;
  readonly script: Script | undefined;
  readonly promise: Promise<unknown>;
  /** Whether it stands between MULTI and EXEC of a pipeline: then its own reply is only that it was queued. */
  isInTransaction = false;
  /** Whether somebody was told already; then what comes later is of no interest. */
  isSettled = false;
  #resolve!: (value: unknown) => void;
  #reject!: (error: Error) => void;
  readonly #calledAt: Error | undefined;
  #limit: NodeJS.Timeout | undefined;

  constructor(
    name: string,
    args: readonly unknown[] = [],
    options: CommandOptions = {},
    callback?: Callback,
  ) {
    this.name = name.toLowerCase();
    this.script = options.script;
    this.args = redisArguments(this.name, this.script ? [this.script.digest, ...args] : args);
    if (options.keyPrefix?.length) prefixKeys(this.name, this.args, options.keyPrefix);
    this.buffers = options.buffers ?? false;
    this.#calledAt = options.calledAt;
    this.promise = withCallback(
      new Promise((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
      }),
      callback,
    );
  }

  /**
   * The command as it is sent. A script goes in full to a server that is not known to have it, which has it from then on:
   * inside a transaction there is no second try.
   */
  words(knownScripts: Set<string>): RedisArgument[] {
    if (!this.script || knownScripts.has(this.script.digest)) return [this.name, ...this.args];
    knownScripts.add(this.script.digest);
    return ['eval', this.script.lua, ...this.args.slice(1)];
  }

  /** The reply as the caller gets it. */
  shape(reply: unknown, stringNumbers: boolean): unknown {
    const decoded = this.buffers ? replyBuffers(reply) : replyText(reply);
    return shapeReply(this.name, stringNumbers ? replyNumbersAsText(decoded) : decoded);
  }

  resolve(value: unknown): void {
    this.#settle();
    this.#resolve(value);
  }

  reject(error: Error): void {
    this.#settle();
    const callers = this.#calledAt?.stack?.split('\n').slice(1);
    if (callers) error.stack = [`${error.name}: ${error.message}`, ...callers].join('\n');
    this.#reject(error);
  }

  /** Rejects the command when it has no reply in time; the reply that comes then is dropped. */
  limit(timeoutMs: number): void {
    this.#limit ??= setTimeout(() => this.reject(new Error('Command timed out')), timeoutMs);
  }

  /** An error reply to this command, as ioredis words it. */
  replyError(message: string): ReplyError {
    return new ReplyError(message, { name: this.name, args: this.args });
  }

  #settle(): void {
    this.isSettled = true;
    clearTimeout(this.#limit);
  }
}
