import type { CacheConfig } from './cache-config.cjs';
import { ConfigError } from './config-error.cjs';
import type { PoolConfig, PubsubConfig, PuffConfig, RequestsConfig } from './puff-config.cjs';
import type { RedisClientConfig, RedisTlsConfig } from './redis-config.cjs';
import type {
  CompressionConfig,
  HealthConfig,
  IsolatesConfig,
  LimitsConfig,
  MetricsConfig,
  ServerConfig,
  ShutdownConfig,
  TimeoutsConfig,
  TlsConfig,
  TracingConfig,
  UnixSocketConfig,
  WebSocketsConfig,
} from './server-config.cjs';
import type { TasksConfig } from './tasks-config.cjs';

/** Answers what is expected when the value is wrong, nothing when it is right. */
type Check = (value: unknown, path: string, file: string) => string | undefined;

const text: Check = (value) =>
  typeof value === 'string' && value !== '' ? undefined : 'a string that is not empty';

const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false');

const fn: Check = (value) => (typeof value === 'function' ? undefined : 'a function');

const off: Check = (value) => (value === false ? undefined : 'false');

function wholeNumber(from: number, to?: number): Check {
  const range = to === undefined ? `of at least ${from}` : `from ${from} to ${to}`;
  return (value) =>
    Number.isSafeInteger(value) &&
    (value as number) >= from &&
    (value as number) <= (to ?? Infinity)
      ? undefined
      : `a whole number ${range}`;
}

/** Longer timers would overflow setTimeout's 32 bits and fire at once. */
const MAX_DURATION_MS = 2_147_483_647;

const duration: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_DURATION_MS
    ? undefined
    : `a whole number of milliseconds from 0 to ${MAX_DURATION_MS}`;

function oneOf(...values: string[]): Check {
  return (value) =>
    values.includes(value as string)
      ? undefined
      : `one of ${values.map((v) => JSON.stringify(v)).join(', ')}`;
}

/** A value that is right for one of the checks; `expected` names them all. */
function either(expected: string, ...checks: Check[]): Check {
  return (value, path, file) =>
    checks.some((check) => check(value, path, file) === undefined) ? undefined : expected;
}

function shape(keys: Record<string, Check>): Check {
  return (value, path, file) => {
    if (!isRecord(value)) return 'an object';
    for (const [key, entry] of Object.entries(value)) {
      const entryPath = path ? `${path}.${key}` : key;
      if (!Object.hasOwn(keys, key)) throw unknownKey(file, entryPath, key, Object.keys(keys));
      if (entry !== undefined) verify(keys[key] as Check, entry, entryPath, file);
    }
    return undefined;
  };
}

function listOf(check: Check): Check {
  return (value, path, file) => {
    if (!Array.isArray(value)) return 'a list';
    value.forEach((entry, index) => {
      verify(check, entry, `${path}[${index}]`, file);
    });
    return undefined;
  };
}

function recordOf(check: Check): Check {
  return (value, path, file) => {
    if (!isRecord(value)) return 'an object';
    for (const [key, entry] of Object.entries(value)) {
      if (entry !== undefined) verify(check, entry, `${path}.${key}`, file);
    }
    return undefined;
  };
}

const poolKeys: Record<keyof PoolConfig, Check> = {
  url: text,
  maxConnections: wholeNumber(1),
  idleTimeoutMs: duration,
  acquireTimeoutMs: duration,
  connectTimeoutMs: duration,
  statementTimeoutMs: duration,
  maxLifetimeMs: duration,
  statementCacheSize: wholeNumber(0),
  namedStatements: flag,
  int8: oneOf('string', 'bigint', 'number'),
};

const requestsKeys: Record<keyof RequestsConfig, Check> = {
  deadlineMs: duration,
  transaction: flag,
};

const pubsubKeys: Record<keyof PubsubConfig, Check> = {
  transport: oneOf('redis', 'postgres', 'none'),
};

const port = wholeNumber(0, 65_535);

const urlPath: Check = (value) =>
  typeof value === 'string' && /^\/[^\s?#]*$/.test(value) ? undefined : 'a path that begins with /';

const nothing: Check = (value) => (value === null ? undefined : 'null');

const unixSocketKeys: Record<keyof UnixSocketConfig, Check> = {
  path: text,
  mode: wholeNumber(0, 0o777),
};

const tlsKeys: Record<keyof TlsConfig, Check> = { certificate: text, key: text };

const limitsKeys: Record<keyof LimitsConfig, Check> = {
  headerBytes: wholeNumber(1),
  headerCount: wholeNumber(1),
  urlBytes: wholeNumber(1),
  bodyBytes: wholeNumber(0),
  connections: wholeNumber(0),
  streams: wholeNumber(1),
};

const timeoutsKeys: Record<keyof TimeoutsConfig, Check> = {
  keepAliveMs: duration,
  http2IdleMs: duration,
  headersMs: duration,
  bodyProgressMs: duration,
  requestMs: duration,
  writeProgressMs: duration,
  answerMs: duration,
};

const pathOrNull = either('a path that begins with /, or null', urlPath, nothing);

const compressionKeys: Record<keyof CompressionConfig, Check> = {
  encodings: listOf(oneOf('zstd', 'br', 'gzip', 'deflate')),
  minBytes: wholeNumber(0),
};

const healthKeys: Record<keyof HealthConfig, Check> = { live: pathOrNull, ready: pathOrNull };

const metricsKeys: Record<keyof MetricsConfig, Check> = { path: urlPath, port, hostname: text };

const tracingKeys: Record<keyof TracingConfig, Check> = {
  requestIds: flag,
  returnRequestIds: flag,
  startTraces: flag,
};

const isolatesKeys: Record<keyof IsolatesConfig, Check> = {
  maxRequests: wholeNumber(1),
  maxQueued: wholeNumber(0),
  queueMs: duration,
  maxEventLoopDelayMs: duration,
};

const shutdownKeys: Record<keyof ShutdownConfig, Check> = {
  delayMs: duration,
  idleMs: duration,
  requestsMs: duration,
  socketsMs: duration,
  backgroundMs: duration,
  poolsMs: duration,
};

const websocketsKeys: Record<keyof WebSocketsConfig, Check> = {
  allowedOrigins: listOf(text),
  maxSockets: wholeNumber(0),
  maxMessageBytes: wholeNumber(1),
  maxBufferedBytes: wholeNumber(1),
  pingIntervalMs: duration,
  pongTimeoutMs: duration,
  closeTimeoutMs: duration,
  compression: flag,
};

const serverKeys: Record<keyof ServerConfig, Check> = {
  port,
  hostname: text,
  unixSocket: shape(unixSocketKeys),
  tls: shape(tlsKeys),
  workers: either("a whole number from 1 to 256, or 'auto'", wholeNumber(1, 256), oneOf('auto')),
  workerMemoryMb: wholeNumber(64),
  workerStuckMs: duration,
  limits: shape(limitsKeys),
  timeouts: shape(timeoutsKeys),
  trustProxy: either(
    'a number of proxies, or a list of their addresses',
    wholeNumber(0),
    listOf(text),
  ),
  compression: either('an object or false', off, shape(compressionKeys)),
  health: shape(healthKeys),
  metrics: shape(metricsKeys),
  accessLog: oneOf('combined', 'json'),
  tracing: shape(tracingKeys),
  isolates: shape(isolatesKeys),
  shutdown: shape(shutdownKeys),
  websockets: shape(websocketsKeys),
};

const name: Check = (value) =>
  typeof value === 'string' && /^[\w.-]{1,100}$/.test(value)
    ? undefined
    : 'up to 100 letters, digits, dots, hyphens and underscores';

const tasksKeys: Record<keyof TasksConfig, Check> = {
  engine: oneOf('postgres', 'bullmq'),
  worker: flag,
  concurrency: wholeNumber(1, 100_000),
  queues: listOf(name),
  leaseMs: wholeNumber(1_000, 3_600_000),
  prefix: text,
  files: listOf(text),
  shutdownMs: duration,
  unknownTaskMs: duration,
};

const redisTlsKeys: Record<keyof RedisTlsConfig, Check> = {
  ca: text,
  certificate: text,
  key: text,
  rejectUnauthorized: flag,
  serverName: text,
};

const redisKeys: Record<keyof RedisClientConfig, Check> = {
  url: text,
  host: text,
  port,
  path: text,
  username: text,
  password: text,
  database: wholeNumber(0),
  tls: either('an object, true or false', flag, shape(redisTlsKeys)),
  sentinels: listOf(text),
  masterName: text,
  sentinelUsername: text,
  sentinelPassword: text,
  clientName: text,
  connectTimeoutMs: duration,
  commandTimeoutMs: duration,
  offlineWaitMs: duration,
  maxWaiting: wholeNumber(0),
};

const cacheKeys: Record<keyof CacheConfig, Check> = {
  prefix: name,
  redis: flag,
  redisTimeoutMs: wholeNumber(1, 60_000),
  maxSharedEntryBytes: wholeNumber(0),
};

const configKeys: Record<keyof PuffConfig, Check> = {
  postgres: shape({ ...poolKeys, pools: recordOf(shape(poolKeys)) }),
  requests: shape(requestsKeys),
  pubsub: shape(pubsubKeys),
  server: either('an object or false', off, shape(serverKeys)),
  redis: shape({ ...redisKeys, clients: recordOf(shape(redisKeys)) }),
  tasks: shape(tasksKeys),
  cache: shape(cacheKeys),
  commands: recordOf(fn),
};

/**
 * Proves that a value is a `PuffConfig`.
 *
 * @param file names the source in messages, for example `puff.config.ts`
 * @throws ConfigError naming the path of the first wrong key
 */
export function validateConfig(value: unknown, file: string): PuffConfig {
  if (!isRecord(value)) {
    throw new ConfigError(`${file}: the default export must be an object, got ${show(value)}.`, {
      hint: 'Write `export default defineConfig({ ... })`.',
    });
  }
  verify(shape(configKeys), value, '', file);
  return value as PuffConfig;
}

function verify(check: Check, value: unknown, path: string, file: string): void {
  const expected = check(value, path, file);
  if (expected !== undefined) {
    throw new ConfigError(`${file}: ${path} must be ${expected}, got ${show(value)}.`);
  }
}

function unknownKey(file: string, path: string, key: string, known: string[]): ConfigError {
  const nearest = nearestOf(key, known);
  return new ConfigError(`${file}: unknown key ${path}.`, {
    hint: nearest ? `Did you mean ${nearest}?` : `Known keys here: ${known.join(', ')}.`,
  });
}

function nearestOf(word: string, candidates: string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(substitution, (row[j] as number) + 1, (next[j - 1] as number) + 1);
    }
    row = next;
  }
  return row[b.length] as number;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Never prints the inside of objects: a config holds passwords. */
function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'function') return 'a function';
  return String(value);
}
