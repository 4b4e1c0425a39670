import { type Callback, withCallback } from './callbacks.js';
import { Command } from './command.js';
import { type CommandSender, type CommandSenderOptions, installCommands } from './commands.js';
import type { ReplyError } from './errors.js';

/** What came of one command: an error, or null and the value. */
export type PipelineResult = [error: Error | null, value?: unknown];

/** The client that a pipeline's commands go through. */
export interface PipelineClient {
  readonly options: CommandSenderOptions;
  /** Sends commands together; they settle one by one. */
  sendTogether(commands: readonly Command[]): void;
}

/**
 * Commands that are collected and sent together by `exec()`. As a transaction (`redis.multi()`), `exec()` also sends EXEC and
 * answers what that answered.
 */
export class Pipeline implements CommandSender {
  readonly isPipeline = true;
  readonly redis: PipelineClient;
  readonly options: CommandSenderOptions;
  readonly #isTransaction: boolean;
  #isOpen = false;
  #commands: Command[] = [];
  #result: Promise<PipelineResult[] | null> | undefined;

  constructor(redis: PipelineClient, { isTransaction = false } = {}) {
    this.redis = redis;
    this.options = redis.options;
    this.#isTransaction = isTransaction;
    if (isTransaction) this.multi();
  }

  /** How many commands are collected, MULTI and EXEC included. */
  get length(): number {
    return this.#commands.length;
  }

  sendCommand(command: Command): this {
    if (this.#result) {
      throw new Error(
        'Pipeline cannot be used to send any commands when the `exec()` has been called on it.',
      );
    }
    command.isInTransaction = this.#isOpen;
    // What it came to is in the result of `exec()`.
    command.promise.catch(() => {});
    this.#commands.push(command);
    return this;
  }

  /** Collects commands that are given as arrays: the name first, then the arguments. */
  addBatch(commands: readonly (readonly unknown[])[]): this {
    for (const [name, ...args] of commands) {
      const method = (this as unknown as Record<string, (...args: unknown[]) => unknown>)[
        String(name)
      ];
      if (!method) throw new TypeError(`There is no command ${String(name)}.`);
      method.apply(this, args);
    }
    return this;
  }

  /** Begins a transaction inside the pipeline; the next `exec()` ends it, and one more sends the pipeline. */
  multi(): this {
    this.sendCommand(new Command('multi'));
    this.#isOpen = true;
    return this;
  }

  /** Sends what is collected. Resolves with one `[error, value]` per command, or with null where a watched key had changed. */
  exec(callback?: Callback<PipelineResult[] | null>): unknown {
    if (this.#isOpen) {
      this.#isOpen = false;
      this.sendCommand(new Command('exec'));
      if (!this.#isTransaction) return this;
    }
    this.#result ??= this.#run();
    return withCallback(this.#result, callback);
  }

  async #run(): Promise<PipelineResult[] | null> {
    const commands = this.#commands;
    if (commands.length === 0) return [];
    this.redis.sendTogether(commands);
    const results = await Promise.all(commands.map(resultOf));
    return this.#isTransaction ? transactionResults(results) : results;
  }
}

async function resultOf(command: Command): Promise<PipelineResult> {
  try {
    return [null, await command.promise];
  } catch (error) {
    return [error as Error];
  }
}

/** Takes what EXEC answered out of the results of a whole transaction. */
function transactionResults(results: PipelineResult[]): PipelineResult[] | null {
  const [error, values] = results.at(-1) as PipelineResult;
  if (error) {
    const others = results.slice(0, -1).flatMap(([other]) => (other ? [other] : []));
    (error as ReplyError).previousErrors = others;
    throw error;
  }
  return execResults(values);
}

/** What EXEC answered, as one `[error, value]` per command. */
export function execResults(values: unknown): PipelineResult[] | null {
  if (!Array.isArray(values)) return null;
  return values.map((value) => (value instanceof Error ? [value] : [null, value]));
}

installCommands(Pipeline.prototype);
