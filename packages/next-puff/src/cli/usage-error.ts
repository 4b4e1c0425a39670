import { PuffError } from '../errors.js';

/** The command line cannot be understood (`PUFF_CLI_USAGE`); the process exits with 2. */
export class UsageError extends PuffError {
  constructor(message: string, hint?: string) {
    super('PUFF_CLI_USAGE', message, { hint });
  }
}
