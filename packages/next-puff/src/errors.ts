/**
 * What every next-puff error can carry beside its message.
 */
export interface PuffErrorOptions {
  /** The error that led to this one. */
  cause?: unknown;
  /** What the reader can do about it; appended to the message. */
  hint?: string | undefined;
  /** What was being done, for example `query` or `connect`. */
  operation?: string | undefined;
}

const BRAND = Symbol.for('next-puff.error');

interface ErrorClass {
  /** The class's name, whatever a minifier makes of it. */
  readonly className?: string;
  readonly prototype: unknown;
}

/**
 * The base of all errors that next-puff throws.
 *
 * `code` is stable across versions and is what programs should match on; the message is for people.
 * `instanceof` knows errors of another copy of this module too: a bundler may have made one.
 */
export class PuffError extends Error {
  static readonly className: string = 'PuffError';

  readonly code: string;
  /** What Next.js shows to error pages in production, in place of a hash of the message. */
  readonly digest: string;
  declare readonly operation?: string;
  declare readonly hint?: string;
  readonly [BRAND]: string;

  constructor(code: string, message: string, options: PuffErrorOptions = {}) {
    super(
      options.hint ? `${message}\n${options.hint}` : message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.digest = code;
    this[BRAND] = new.target.className;
    const isOurs = Object.hasOwn(new.target, 'className');
    this.name = isOurs ? new.target.className : new.target.name;
    for (const hidden of ['digest', 'name', BRAND]) {
      Object.defineProperty(this, hidden, { enumerable: false });
    }
    if (options.operation !== undefined) this.operation = options.operation;
    if (options.hint !== undefined) this.hint = options.hint;
  }
}

// As a plain function, because `this` is the class that stands right of `instanceof`.
Object.defineProperty(PuffError, Symbol.hasInstance, {
  value: function isInstance(this: ErrorClass, value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false;
    if (Object.prototype.isPrototypeOf.call(this.prototype as object, value)) return true;
    if (!Object.hasOwn(this, 'className') || !(BRAND in value)) return false;
    return this.className === 'PuffError' || this.className === value[BRAND];
  },
});

/** The fields of a PostgreSQL error report, named as node-postgres names them. */
export interface PostgresErrorFields {
  severity?: string;
  /** Five-character SQLSTATE, for example `23505` for a unique violation. */
  sqlState: string;
  detail?: string;
  where?: string;
  /** Position of the fault in the SQL text, in characters, counted from 1. */
  position?: number;
  schema?: string;
  table?: string;
  column?: string;
  dataType?: string;
  constraint?: string;
}

/**
 * PostgreSQL refused or broke off a statement (`PUFF_POSTGRES_QUERY`); `sqlState` says why.
 *
 * The list of SQLSTATE codes is appendix A of the PostgreSQL manual.
 */
export class PostgresError extends PuffError implements PostgresErrorFields {
  static override readonly className: string = 'PostgresError';

  readonly sqlState: string;
  declare readonly severity?: string;
  declare readonly detail?: string;
  declare readonly where?: string;
  declare readonly position?: number;
  declare readonly schema?: string;
  declare readonly table?: string;
  declare readonly column?: string;
  declare readonly dataType?: string;
  declare readonly constraint?: string;

  constructor(message: string, fields: PostgresErrorFields, options: PuffErrorOptions = {}) {
    super('PUFF_POSTGRES_QUERY', message, options);
    this.sqlState = fields.sqlState;
    Object.assign(this, fields);
  }
}

/** A value given for a parameter does not fit its PostgreSQL type (`PUFF_POSTGRES_PARAMETER`). */
export class PostgresParameterError extends PuffError {
  static override readonly className: string = 'PostgresParameterError';

  constructor(message: string, options?: PuffErrorOptions) {
    super('PUFF_POSTGRES_PARAMETER', message, options);
  }
}

/**
 * PostgreSQL cannot be reached or refuses connections for now (`PUFF_POSTGRES_UNAVAILABLE`).
 *
 * A wrapped route handler answers it with 503 and `Retry-After`.
 */
export class PostgresUnavailableError extends PuffError {
  static override readonly className: string = 'PostgresUnavailableError';

  /** When trying again makes sense, in milliseconds from now. */
  readonly retryAfterMs: number;

  constructor(message: string, options: PuffErrorOptions & { retryAfterMs?: number } = {}) {
    super('PUFF_POSTGRES_UNAVAILABLE', message, options);
    this.retryAfterMs = options.retryAfterMs ?? 1000;
  }
}

/**
 * PostgreSQL was reached but refused this configuration: password, role, database or TLS
 * (`PUFF_POSTGRES_REFUSED`). Trying again without a change will not help.
 */
export class PostgresRefusedError extends PuffError {
  static override readonly className: string = 'PostgresRefusedError';

  declare readonly sqlState?: string;

  constructor(message: string, options: PuffErrorOptions & { sqlState?: string } = {}) {
    super('PUFF_POSTGRES_REFUSED', message, options);
    if (options.sqlState !== undefined) this.sqlState = options.sqlState;
  }
}

/**
 * The connection broke while a statement was running (`PUFF_POSTGRES_CONNECTION_LOST`).
 *
 * Whether the statement took effect is unknown, so it was not repeated.
 */
export class PostgresConnectionLostError extends PuffError {
  static override readonly className: string = 'PostgresConnectionLostError';

  constructor(message: string, options?: PuffErrorOptions) {
    super('PUFF_POSTGRES_CONNECTION_LOST', message, options);
  }
}

/** No connection of the pool became free in time (`PUFF_POSTGRES_POOL_TIMEOUT`). */
export class PoolTimeoutError extends PuffError {
  static override readonly className: string = 'PoolTimeoutError';

  /** When trying again makes sense, in milliseconds from now. */
  readonly retryAfterMs: number;

  constructor(message: string, options: PuffErrorOptions & { retryAfterMs?: number } = {}) {
    super('PUFF_POSTGRES_POOL_TIMEOUT', message, options);
    this.retryAfterMs = options.retryAfterMs ?? 1000;
  }
}

/** No database is configured (`PUFF_POSTGRES_NOT_CONFIGURED`). */
export class NotConfiguredError extends PuffError {
  static override readonly className: string = 'NotConfiguredError';

  constructor(message: string, options?: PuffErrorOptions) {
    super('PUFF_POSTGRES_NOT_CONFIGURED', message, options);
  }
}

/** A transaction or pool was used after its end (`PUFF_POSTGRES_CLOSED`). */
export class PostgresClosedError extends PuffError {
  static override readonly className: string = 'PostgresClosedError';

  constructor(message: string, options?: PuffErrorOptions) {
    super('PUFF_POSTGRES_CLOSED', message, options);
  }
}

/**
 * Redis cannot be reached, did not answer, or the connection was lost; `code` says which.
 *
 * After `PUFF_REDIS_CLOSED` and `PUFF_REDIS_TIMEOUT` it is unknown whether the command took effect.
 */
export class RedisError extends PuffError {
  static override readonly className: string = 'RedisError';

  /** The operating system's name for why a server cannot be reached, for example `ECONNREFUSED`. */
  declare readonly systemCode?: string;

  constructor(
    code: string,
    message: string,
    options: PuffErrorOptions & { systemCode?: string | undefined } = {},
  ) {
    super(code, message, options);
    if (options.systemCode !== undefined) this.systemCode = options.systemCode;
  }
}

const REDIS_CODES: Record<string, string> = {
  NOAUTH: 'PUFF_REDIS_AUTH',
  WRONGPASS: 'PUFF_REDIS_AUTH',
  NOPERM: 'PUFF_REDIS_AUTH',
  LOADING: 'PUFF_REDIS_LOADING',
  MASTERDOWN: 'PUFF_REDIS_LOADING',
  BUSY: 'PUFF_REDIS_LOADING',
  READONLY: 'PUFF_REDIS_READONLY',
  OOM: 'PUFF_REDIS_OOM',
  MOVED: 'PUFF_REDIS_MOVED',
  ASK: 'PUFF_REDIS_MOVED',
  CROSSSLOT: 'PUFF_REDIS_CLUSTER',
  CLUSTERDOWN: 'PUFF_REDIS_CLUSTER',
  TRYAGAIN: 'PUFF_REDIS_CLUSTER',
};

const REDIS_HINTS: Record<string, string> = {
  PUFF_REDIS_AUTH: "Check user and password in REDIS_URL, and the user's ACL rules.",
  PUFF_REDIS_READONLY: 'Point REDIS_URL at the master, or at the sentinels that know it.',
  PUFF_REDIS_OOM: 'Raise maxmemory, or choose a maxmemory-policy that evicts keys.',
  PUFF_REDIS_MOVED:
    'next-puff does not follow the redirects of Redis Cluster: use one node, or a proxy that hides the cluster.',
};

/**
 * Redis refused a command. `reason` is the first word of its reply, for example `WRONGTYPE`; replies with a
 * meaning of their own have their own `code`, all others `PUFF_REDIS_REPLY`.
 */
export class RedisReplyError extends PuffError {
  static override readonly className: string = 'RedisReplyError';

  readonly reason: string;
  /** The whole reply. */
  readonly reply: string;

  constructor(reply: string, options: PuffErrorOptions = {}) {
    const [reason = ''] = reply.split(' ', 1);
    const code = REDIS_CODES[reason] ?? 'PUFF_REDIS_REPLY';
    super(code, reply, { hint: REDIS_HINTS[code], ...options });
    this.reason = reason;
    this.reply = reply;
  }
}

/** A request context ran past its deadline (`PUFF_DEADLINE_EXCEEDED`). */
export class DeadlineExceededError extends PuffError {
  static override readonly className: string = 'DeadlineExceededError';

  constructor(message: string, options?: PuffErrorOptions) {
    super('PUFF_DEADLINE_EXCEEDED', message, options);
  }
}

/** The client went away before its answer was complete (`PUFF_CLIENT_DISCONNECTED`). */
export class ClientDisconnectedError extends PuffError {
  static override readonly className: string = 'ClientDisconnectedError';

  constructor(message: string, options?: PuffErrorOptions) {
    super('PUFF_CLIENT_DISCONNECTED', message, options);
  }
}

/** The native addon cannot be loaded here (`PUFF_NATIVE_UNAVAILABLE`). */
export class NativeUnavailableError extends PuffError {
  static override readonly className: string = 'NativeUnavailableError';

  constructor(message: string, options?: PuffErrorOptions) {
    super('PUFF_NATIVE_UNAVAILABLE', message, options);
  }
}

/** A value cannot be kept in the cache (`PUFF_CACHE_VALUE`): it is not plain data. */
export class CacheValueError extends PuffError {
  static override readonly className: string = 'CacheValueError';

  constructor(message: string, options?: PuffErrorOptions) {
    super('PUFF_CACHE_VALUE', message, options);
  }
}

/** What became of a task's last run. */
export interface TaskFailureFields {
  jobId: string;
  task: string;
  /** Of the error that the task threw. */
  failure: { name: string; message: string; stack?: string; code?: string };
}

/** A task has failed and has no attempts left (`PUFF_TASK_FAILED`); `failure` is what its last run threw. */
export class TaskFailedError extends PuffError {
  static override readonly className: string = 'TaskFailedError';

  readonly jobId: string;
  readonly task: string;
  readonly failure: TaskFailureFields['failure'];

  constructor(message: string, fields: TaskFailureFields, options?: PuffErrorOptions) {
    super('PUFF_TASK_FAILED', message, options);
    this.jobId = fields.jobId;
    this.task = fields.task;
    this.failure = fields.failure;
  }
}

/** A task was cancelled before it had returned (`PUFF_TASK_CANCELLED`). */
export class TaskCancelledError extends PuffError {
  static override readonly className: string = 'TaskCancelledError';

  constructor(message: string, options?: PuffErrorOptions) {
    super('PUFF_TASK_CANCELLED', message, options);
  }
}

/** A task did not end within the time that somebody waited for its result (`PUFF_TASK_TIMEOUT`); it goes on. */
export class TaskTimeoutError extends PuffError {
  static override readonly className: string = 'TaskTimeoutError';

  constructor(message: string, options?: PuffErrorOptions) {
    super('PUFF_TASK_TIMEOUT', message, options);
  }
}

/** There is no job of this id: it never was, or its record has expired (`PUFF_TASK_NOT_FOUND`). */
export class TaskNotFoundError extends PuffError {
  static override readonly className: string = 'TaskNotFoundError';

  constructor(message: string, options?: PuffErrorOptions) {
    super('PUFF_TASK_NOT_FOUND', message, options);
  }
}

/** What a task is given, returns or reports is not JSON (`PUFF_TASK_VALUE`); `path` is where. */
export class TaskValueError extends PuffError {
  static override readonly className: string = 'TaskValueError';

  readonly path: string;

  constructor(message: string, path: string, options?: PuffErrorOptions) {
    super('PUFF_TASK_VALUE', message, options);
    this.path = path;
  }
}

/** A payload is not what the task's schema asks for (`PUFF_TASK_PAYLOAD`). */
export class TaskPayloadError extends PuffError {
  static override readonly className: string = 'TaskPayloadError';

  constructor(message: string, options?: PuffErrorOptions) {
    super('PUFF_TASK_PAYLOAD', message, options);
  }
}

/** A fault inside the native core, caught at the boundary (`PUFF_INTERNAL`): please report it. */
export class InternalError extends PuffError {
  static override readonly className: string = 'InternalError';

  constructor(message: string, options?: PuffErrorOptions) {
    super('PUFF_INTERNAL', message, options);
  }
}
