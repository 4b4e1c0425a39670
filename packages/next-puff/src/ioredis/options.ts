import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { unsupported } from './errors.js';
import type { ScriptDefinition } from './script.js';

/** Where a sentinel is. */
export interface SentinelAddress {
  /** Default localhost. */
  host?: string | undefined;
  /** Default 26379. */
  port?: number | string | undefined;
}

/** The options of ioredis that this client has, with ioredis' meaning; times are in milliseconds. */
export interface RedisOptions {
  host?: string | undefined;
  port?: number | string | undefined;
  /** A Unix socket, in place of host and port. */
  path?: string | undefined;
  username?: string | null | undefined;
  password?: string | null | undefined;
  /** The database's number. Default 0. */
  db?: number | string | undefined;
  tls?: TlsOptions | true | undefined;
  /** Where sentinels are, which know the primary; in place of host and port. */
  sentinels?: readonly SentinelAddress[] | null | undefined;
  /** What the sentinels call the primary. */
  name?: string | undefined;
  sentinelUsername?: string | null | undefined;
  sentinelPassword?: string | null | undefined;
  /** Whether `tls` is for the sentinels, too; one without the other there is not. */
  enableTLSForSentinelMode?: boolean | undefined;
  /** What the connection is called in CLIENT LIST. */
  connectionName?: string | null | undefined;
  /** Whether to connect with the first command only. Default false. */
  lazyConnect?: boolean | undefined;
  /** Put before every key. */
  keyPrefix?: string | Buffer | undefined;
  /** Default 10,000. */
  connectTimeout?: number | undefined;
  /** How long a command may take; without it as long as it takes. */
  commandTimeout?: number | undefined;
  /**
   * How long to wait before the next try, given how many failed in a row; anything but a number gives up. Default: 50 ms
   * longer each time, 2 s at most.
   */
  retryStrategy?: ((times: number) => unknown) | null | undefined;
  /** How many tries a command waits for; null: as many as it takes. Default 20. */
  maxRetriesPerRequest?: number | null | undefined;
  /** Whether commands wait for a connection. Default true. */
  enableOfflineQueue?: boolean | undefined;
  /** Whether to wait until the server has loaded its data. Default true. */
  enableReadyCheck?: boolean | undefined;
  /** The longest time between two looks at a server that is loading. Default 10,000. */
  maxLoadingRetryTime?: number | undefined;
  /** Whether commands without a reply are sent again after a reconnection. Default true. */
  autoResendUnfulfilledCommands?: boolean | undefined;
  /** Whether channels are subscribed again after a reconnection. Default true. */
  autoResubscribe?: boolean | undefined;
  /** Whether to reconnect for an error that Redis answered: 2 sends the command again too. */
  reconnectOnError?: ((error: Error) => boolean | 1 | 2) | null | undefined;
  /** Whether to ask a replica of a cluster for reads. Default false. */
  readOnly?: boolean | undefined;
  /** Whether integers come as text. Default false. */
  stringNumbers?: boolean | undefined;
  showFriendlyErrorStack?: boolean | undefined;
  /** Lua scripts that become methods. */
  scripts?: Record<string, ScriptDefinition> | undefined;
  [option: string]: unknown;
}

/** Options with their defaults. */
export interface CompleteOptions extends RedisOptions {
  host: string;
  port: number;
  db: number;
  connectTimeout: number;
  maxLoadingRetryTime: number;
  maxRetriesPerRequest: number | null;
}

const DEFAULTS = {
  port: 6379,
  host: 'localhost',
  db: 0,
  username: null,
  password: null,
  connectionName: null,
  lazyConnect: false,
  keyPrefix: '',
  connectTimeout: 10_000,
  retryStrategy: (times: number) => Math.min(times * 50, 2_000),
  maxRetriesPerRequest: 20,
  enableOfflineQueue: true,
  enableReadyCheck: true,
  maxLoadingRetryTime: 10_000,
  autoResendUnfulfilledCommands: true,
  autoResubscribe: true,
  reconnectOnError: null,
  readOnly: false,
  stringNumbers: false,
} satisfies RedisOptions;

/** What ioredis has and this client has not, with what to do instead. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  Connector: 'Give host, port or path.',
  monitor: 'Use `redis-cli monitor`.',
  socketTimeout: 'Use commandTimeout, which bounds each command.',
  blockingTimeout: 'Give blocking commands a timeout of their own, or use commandTimeout.',
  himportFieldsets: 'Use HSET.',
  sentinelRetryStrategy: 'Use retryStrategy, which is also asked when no sentinel answers.',
  preferredSlaves: 'Give host and port of the replica.',
  natMap: 'Let the sentinels announce addresses that clients reach (sentinel announce-ip).',
  sentinelTLS: 'Use tls with enableTLSForSentinelMode, for sentinels and servers alike.',
  failoverDetector: 'A lost connection asks the sentinels by itself.',
};

/** Puts the arguments of the constructor together: a port, a host, a path, a URL, options; the first that says something counts. */
export function completeOptions(args: readonly unknown[]): CompleteOptions {
  const given: RedisOptions = {};
  for (const arg of args) {
    if (arg === null || arg === undefined) continue;
    if (typeof arg === 'number') fill(given, { port: arg });
    else if (typeof arg === 'string') fill(given, addressOptions(arg));
    else if (typeof arg === 'object') fill(given, arg as RedisOptions);
    else throw new Error(`Invalid argument ${String(arg)}`);
  }
  fill(given, DEFAULTS);
  for (const [name, hint] of Object.entries(UNSUPPORTED)) {
    if (given[name]) throw unsupported(`the option ${name}`, hint);
  }
  if (given.replyMapping === 'resp3') {
    throw unsupported('replyMapping "resp3"', 'Replies have the shapes of RESP2, as by default.');
  }
  checkSentinels(given);
  return {
    ...given,
    port: wholeNumber('port', given.port, 1, 65_535),
    db: wholeNumber('db', given.db, 0, 2 ** 31 - 1),
  } as CompleteOptions;
}

function checkSentinels({ sentinels, name, role, tls, enableTLSForSentinelMode }: RedisOptions) {
  if (!sentinels) return;
  if (!Array.isArray(sentinels) || sentinels.length === 0) {
    throw new TypeError('The option sentinels is a list of { host, port } with at least one.');
  }
  if (!name)
    throw new TypeError("The option sentinels needs name, the sentinels' word for the primary.");
  if (role === 'slave') throw unsupported('role "slave"', 'Give host and port of the replica.');
  if (tls && !enableTLSForSentinelMode) {
    throw unsupported(
      'tls for servers alone, without their sentinels',
      'Set enableTLSForSentinelMode where the sentinels have TLS, too.',
    );
  }
  for (const { port = 26_379 } of sentinels) wholeNumber('sentinels.port', port, 1, 65_535);
}

function wholeNumber(name: string, value: unknown, from: number, to: number): number {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (Number.isInteger(number) && (number as number) >= from && (number as number) <= to) {
    return number as number;
  }
  throw new RangeError(
    `The option ${name} is a whole number from ${from} to ${to}, not ${String(value)}.`,
  );
}

/** Adds what is not there yet. */
function fill(target: RedisOptions, source: RedisOptions): void {
  for (const [name, value] of Object.entries(source)) {
    if (target[name] === undefined && value !== undefined) target[name] = value;
  }
}

/** Reads `redis://user:password@host:port/db?option=value`, `host:port`, a path of a socket, or a host. */
function addressOptions(address: string): RedisOptions {
  if (/^\d+$/.test(address)) return { port: Number(address) };
  if (address.startsWith('/') && !address.startsWith('//')) {
    const [path, query] = address.split('?');
    return { path, ...queryOptions(new URLSearchParams(query)) };
  }
  const hasScheme = /^[a-z]+:\/\//i.test(address);
  const url = new URL(
    hasScheme ? address : `redis:${address.startsWith('//') ? '' : '//'}${address}`,
  );
  const options: RedisOptions = {};
  if (url.hostname) options.host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (url.port) options.port = Number(url.port);
  if (url.username) options.username = decodeURIComponent(url.username);
  if (url.password) options.password = decodeURIComponent(url.password);
  if (/^\/\d+$/.test(url.pathname)) options.db = Number(url.pathname.slice(1));
  if (/^rediss:/i.test(address)) options.tls = true;
  return { ...queryOptions(url.searchParams), ...options };
}

function queryOptions(query: URLSearchParams): RedisOptions {
  const isNumber = (name: string, value: string) =>
    /^\d+$/.test(value) && !['username', 'password', 'connectionName', 'keyPrefix'].includes(name);
  return Object.fromEntries(
    [...query].map(([name, value]) => [name, isNumber(name, value) ? Number(value) : value]),
  );
}
