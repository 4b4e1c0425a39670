import type { RedisConnection, RedisReply } from '../redis/connection.js';
import type { Command } from './command.js';
import { connectionFailure, connectionOf, isLoss, isReplyError } from './connecting.js';
import { connectionClosed, unsupported } from './errors.js';
import type { CompleteOptions } from './options.js';
import { Subscriptions } from './subscriptions.js';

/** Commands that may keep a connection for as long as they like. */
const BLOCKING = /^(?:b[lrz]|xread|wait)/;

/** Commands that are sent together, and the database that they were meant for. */
export interface Request {
  readonly commands: readonly Command[];
  readonly db: number;
}

/** What a client wants to know of its connection. */
export interface SessionEvents {
  onPush(message: readonly RedisReply[]): void;
  /** The connection is gone, and did not end because `close` was called. */
  onEnd(error: Error): void;
  /** Redis answered a command with an error. Answers whether the command was taken care of. */
  onReplyError(command: Command, error: Error, request: Request): boolean;
}

/** One connection of a client, from its opening to its end; after that the client opens another one. */
export class Session {
  readonly #connection: RedisConnection;
  readonly #options: CompleteOptions;
  readonly #events: SessionEvents;
  readonly #subscriptions: Subscriptions;
  /** Scripts that the server was sent on this connection. */
  readonly #knownScripts = new Set<string>();
  /** Requests without a reply, in the order of their sending. */
  readonly #unanswered = new Set<Request>();
  #isOver = false;
  /** Ends the opening of the connection. */
  #abandon = () => {};

  constructor(
    options: CompleteOptions,
    db: number,
    subscriptions: Subscriptions,
    events: SessionEvents,
  ) {
    this.#options = options;
    this.#subscriptions = subscriptions;
    this.#events = events;
    this.#connection = connectionOf(options, db);
    this.#connection.onPush((message) => {
      if (!this.#isOver) events.onPush(message);
    });
    this.#connection.onState((state, error) => {
      // A connection that the core would bring back counts as lost: when to try again is the client's own to say.
      if (state === 'reconnecting' || state === 'end') this.#end(connectionFailure(error));
    });
  }

  /** Opens the connection. @throws what kept it from being opened, also that it was closed meanwhile */
  async open(): Promise<void> {
    let limit: NodeJS.Timeout | undefined;
    const abandoned = new Promise<never>((_, reject) => {
      this.#abandon = () => reject(connectionClosed());
      limit = setTimeout(() => reject(timedOut()), this.#options.connectTimeout);
    });
    try {
      await Promise.race([this.#connection.connect(), abandoned]);
    } catch (error) {
      throw connectionFailure(error);
    } finally {
      clearTimeout(limit);
    }
  }

  /** Asks the server something of the client's own. @throws ReplyError, or what ended the connection */
  async ask(...words: string[]): Promise<RedisReply> {
    try {
      return await this.#connection.command(words);
    } catch (error) {
      throw connectionFailure(error);
    }
  }

  /** Whether there are commands without a reply. */
  get isBusy(): boolean {
    return this.#unanswered.size > 0;
  }

  send(request: Request): void {
    this.#unanswered.add(request);
    void (request.commands.length === 1 ? this.#sendOne(request) : this.#sendTogether(request));
  }

  /** Resolves when what was sent has its replies, or at once where that may take for ever, or when the time is over. */
  async drained(mostMs: number): Promise<void> {
    const commands = [...this.#unanswered].flatMap((request) => request.commands);
    if (commands.some(({ name }) => BLOCKING.test(name))) return;
    let limit: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      limit = setTimeout(resolve, mostMs);
    });
    await Promise.race([late, Promise.allSettled(commands.map(({ promise }) => promise))]);
    clearTimeout(limit);
  }

  /** Closes the connection and answers the requests that have no reply. */
  close(): Request[] {
    this.#isOver = true;
    const unanswered = [...this.#unanswered];
    this.#unanswered.clear();
    this.#connection.close();
    this.#abandon();
    return unanswered;
  }

  async #sendOne(request: Request): Promise<void> {
    const command = request.commands[0] as Command;
    try {
      const words = command.words(this.#knownScripts);
      const reply = await this.#connection.command(words, { buffers: command.buffers });
      if (this.#unanswered.delete(request)) this.#settle(request, 0, reply);
    } catch (error) {
      this.#fail(request, error);
    }
  }

  async #sendTogether(request: Request): Promise<void> {
    const { commands } = request;
    try {
      if (commands.some(Subscriptions.concerns)) throw inPipeline();
      const words = commands.map((command) => command.words(this.#knownScripts));
      const buffers = commands.some((command) => command.buffers);
      const replies = (await this.#connection.batch(words, { buffers })) ?? [];
      if (!this.#unanswered.delete(request)) return;
      commands.forEach((_, place) => {
        this.#settle(request, place, replies[place] ?? null);
      });
    } catch (error) {
      this.#fail(request, error);
    }
  }

  /** Of a request that got no replies, but an error. */
  #fail(request: Request, error: unknown): void {
    if (isLoss(error)) {
      // It stays unanswered: the client may want to send it again.
      this.#end(connectionFailure(error));
    } else if (this.#unanswered.delete(request)) {
      if (isReplyError(error)) this.#settle(request, 0, error);
      else for (const command of request.commands) command.reject(error as Error);
    }
  }

  #settle(request: Request, place: number, reply: RedisReply): void {
    const command = request.commands[place] as Command;
    if (command.isSettled) return;
    if (isReplyError(reply)) {
      const { script } = command;
      if (script && !command.isInTransaction && reply.reason === 'NOSCRIPT') {
        this.#knownScripts.delete(script.digest);
        this.send({ ...request, commands: [command] });
        return;
      }
      const error = command.replyError(reply.reply);
      if (!this.#events.onReplyError(command, error, request)) command.reject(error);
      return;
    }
    if (command.name === 'exec' && Array.isArray(reply)) {
      command.resolve(this.#shapeTransaction(request.commands.slice(0, place), command, reply));
    } else if (Array.isArray(reply) && Subscriptions.concerns(command)) {
      // The last of the confirmations: what it was, the channel, and how many there are now.
      this.#subscriptions.confirm(command);
      command.resolve(command.shape(reply[2], this.#options.stringNumbers === true));
    } else {
      command.resolve(command.shape(reply, this.#options.stringNumbers === true));
    }
  }

  /** What EXEC answered, each reply in the shape of its command, where the commands are known. */
  #shapeTransaction(before: readonly Command[], exec: Command, replies: RedisReply[]): unknown[] {
    const commands = before.slice(-replies.length);
    const stringNumbers = this.#options.stringNumbers === true;
    return replies.map((reply, place) => {
      const command = commands[place] ?? exec;
      return isReplyError(reply)
        ? command.replyError(reply.reply)
        : command.shape(reply, stringNumbers);
    });
  }

  #end(error: Error): void {
    // After those who are about to hear of replies that came just before.
    setImmediate(() => {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#events.onEnd(error);
    });
  }
}

function inPipeline(): Error {
  return unsupported('subscriptions in pipelines', 'Call subscribe() on the client.');
}

function timedOut(): Error {
  return Object.assign(new Error('connect ETIMEDOUT'), {
    code: 'ETIMEDOUT',
    errorno: 'ETIMEDOUT',
    syscall: 'connect',
  });
}
