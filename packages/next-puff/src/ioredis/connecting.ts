import type { RedisTlsConfig } from '../config/redis-config.cjs';
import {
  openRedisConnection,
  RedisError,
  RedisReplyError,
  type RedisSettings,
} from '../redis/connection.js';
import { connectionClosed, ReplyError, unsupported } from './errors.js';
import type { CompleteOptions } from './options.js';

const LOSSES: readonly unknown[] = [
  'PUFF_REDIS_CONNECT',
  'PUFF_REDIS_CLOSED',
  'PUFF_REDIS_TIMEOUT',
  'PUFF_REDIS_PROTOCOL',
];

/** Makes the connection that a client's options describe, in a database. It is not opened yet. */
export function connectionOf(options: CompleteOptions, database: number) {
  const { host, port, path, username, password, connectionName, connectTimeout, tls } = options;
  const settings: RedisSettings = {
    ...(options.sentinels ? sentinelsOf(options) : path ? { path } : { host, port }),
    ...(username && { username }),
    ...(password && { password }),
    ...(connectionName && { clientName: connectionName }),
    ...(tls && { tls: tls === true ? true : tlsOf(tls) }),
    database,
    connectTimeoutMs: connectTimeout,
    commandTimeoutMs: 0,
    // What waits, how long, and when to try again is the client's own to say.
    offlineQueue: false,
    retryDelay: () => null,
    maxWaiting: 2 ** 31,
  };
  return openRedisConnection(settings);
}

function sentinelsOf(options: CompleteOptions): RedisSettings {
  const { sentinels, name, sentinelUsername, sentinelPassword } = options;
  return {
    sentinels: (sentinels ?? []).map(({ host = 'localhost', port = 26_379 }) =>
      host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    ),
    ...(name && { masterName: name }),
    ...(sentinelUsername && { sentinelUsername }),
    ...(sentinelPassword && { sentinelPassword }),
  };
}

function tlsOf(tls: Exclude<CompleteOptions['tls'], true | undefined>): RedisTlsConfig {
  const { ca, cert, key, servername, rejectUnauthorized } = tls;
  return {
    ...(ca && { ca: pem(ca, 'ca') }),
    ...(cert && { certificate: pem(cert, 'cert') }),
    ...(key && { key: pem(key, 'key') }),
    ...(servername && { serverName: servername }),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
  };
}

/** Certificates and keys as text; several follow one another. */
function pem(value: unknown, name: string): string {
  const parts = Array.isArray(value) ? value : [value];
  if (parts.every((part) => typeof part === 'string' || part instanceof Uint8Array)) {
    return parts.map((part) => Buffer.from(part).toString()).join('\n');
  }
  throw unsupported(`tls.${name} with a passphrase of its own`, 'Give it as PEM text without one.');
}

/** Tells errors that Redis answered from those of the connection. */
export function isReplyError(error: unknown): error is RedisReplyError {
  return error instanceof RedisReplyError;
}

/** Tells errors after which there is no connection. */
export function isLoss(error: unknown): boolean {
  return error instanceof RedisError && LOSSES.includes(error.code);
}

/** Tells that there is a server, which is still loading its data. */
export function isLoading(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'PUFF_REDIS_LOADING';
}

/** Why a connection could not be had or was lost, in the words that programs which know ioredis look for. */
export function connectionFailure(error: unknown): Error {
  if (isReplyError(error)) return new ReplyError(error.reply);
  if (!(error instanceof RedisError)) return (error as Error | undefined) ?? connectionClosed();
  const { code, systemCode, hint } = error;
  if (code === 'PUFF_REDIS_AUTH') {
    const text = hint ? error.message.replace(`\n${hint}`, '') : error.message;
    return new ReplyError(text.replace(/^Redis refused: /, ''));
  }
  if (code === 'PUFF_REDIS_CONNECT' && systemCode) {
    const address = /at (\S+):(\d+): /.exec(error.message);
    const [, host, port] = address ?? [];
    const message = `connect ${systemCode}${address ? ` ${host}:${port}` : ''}`;
    const failure = Object.assign(new Error(message, { cause: error }), {
      code: systemCode,
      syscall: 'connect',
    });
    return address ? Object.assign(failure, { address: host, port: Number(port) }) : failure;
  }
  return error;
}
