/**
 * `puff.config.*` cannot be used (`PUFF_CONFIG_INVALID`).
 *
 * It has the fields of `PuffError` but is no subclass of it: the config modules are CommonJS, so that
 * `next.config.js` can require them on every supported Node.js, and the error classes are ESM.
 * Match on `code`, which is what all next-puff errors promise.
 */
export class ConfigError extends Error {
  readonly code = 'PUFF_CONFIG_INVALID';
  /** What the reader can do about it; part of the message too. */
  readonly hint?: string;

  constructor(message: string, options: { cause?: unknown; hint?: string | undefined } = {}) {
    super(
      options.hint ? `${message}\n${options.hint}` : message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'ConfigError';
    if (options.hint !== undefined) this.hint = options.hint;
  }
}
