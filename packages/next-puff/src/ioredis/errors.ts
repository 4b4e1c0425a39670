import { PuffError } from '../errors.js';

/** The command that an error is about, as ioredis names it. */
export interface FailedCommand {
  name: string;
  args: readonly unknown[];
}

/** Redis answered a command with an error; the message is Redis' own and starts with its code, for example `WRONGTYPE`. */
export class ReplyError extends Error {
  declare command?: FailedCommand;
  /** Of a transaction that was refused: what its commands had been answered. */
  declare previousErrors?: Error[];

  constructor(message: string, command?: FailedCommand) {
    super(message);
    this.name = 'ReplyError';
    if (command) this.command = command;
  }
}

/** The connection was tried for as often as `maxRetriesPerRequest` allows while a command waited for it. */
export class MaxRetriesPerRequestError extends Error {
  constructor(retries: number) {
    super(
      `Reached the max retries per request limit (which is ${retries}). Refer to "maxRetriesPerRequest" option for details.`,
    );
    this.name = 'MaxRetriesPerRequestError';
  }
}

export const CONNECTION_CLOSED = 'Connection is closed.';

/** What programs that know ioredis expect when there is no connection any more and none will come. */
export function connectionClosed(): Error {
  return new Error(CONNECTION_CLOSED);
}

/** For what ioredis has and this client has not. */
export function unsupported(what: string, hint: string): PuffError {
  return new PuffError('PUFF_IOREDIS_UNSUPPORTED', `next-puff/ioredis does not have ${what}.`, {
    hint,
    operation: 'ioredis',
  });
}
