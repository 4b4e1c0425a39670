import { userInfo } from 'node:os';
import { parse } from 'pg-connection-string';
import { settings } from '../config/settings.js';
import { PuffError } from '../errors.js';
import { defaults } from './defaults.js';
import type { TypeSource } from './type-overrides.js';

/** How a server is reached and a session begins; as node-postgres' `ClientConfig`. */
export interface ClientConfig {
  user?: string | undefined;
  database?: string | undefined;
  password?: string | (() => string | Promise<string>) | null | undefined;
  port?: number | string | undefined;
  host?: string | undefined;
  connectionString?: string | undefined;
  keepAlive?: boolean | undefined;
  keepAliveInitialDelayMillis?: number | undefined;
  ssl?: boolean | string | TlsConfig | undefined;
  statement_timeout?: number | string | false | undefined;
  lock_timeout?: number | string | false | undefined;
  idle_in_transaction_session_timeout?: number | string | false | undefined;
  query_timeout?: number | string | false | undefined;
  connectionTimeoutMillis?: number | undefined;
  application_name?: string | undefined;
  fallback_application_name?: string | undefined;
  options?: string | undefined;
  types?: TypeSource | undefined;
  pipeline?: boolean | undefined;
  Promise?: PromiseConstructor | undefined;
  [option: string]: unknown;
}

type Pem = string | Buffer | readonly (string | Buffer)[];

/** The part of Node's `tls.ConnectionOptions` that means something here. */
export interface TlsConfig {
  rejectUnauthorized?: boolean | undefined;
  ca?: Pem | undefined;
  cert?: Pem | undefined;
  key?: Pem | undefined;
  servername?: string | undefined;
  checkServerIdentity?: ((host: string, certificate: never) => Error | undefined) | undefined;
  [option: string]: unknown;
}

/** What the native pool takes for TLS; `TlsPems` in `config.rs`. */
interface NativeTls {
  mode: 'disable' | 'require' | 'verify-ca' | 'verify-full';
  ca?: string;
  cert?: string;
  key?: string;
}

const ADDRESS_VARIABLES = ['PGHOST', 'PGPORT', 'PGUSER', 'PGDATABASE', 'PGPASSWORD'];
const ADDRESS_OPTIONS = ['connectionString', 'host', 'port', 'user', 'database', 'password'];

/** Options that would change something here if they were obeyed. */
const REFUSED: Record<string, string> = {
  stream: 'the socket belongs to the native core',
  connection: 'the socket belongs to the native core',
  replication: 'there is no replication protocol here',
  enableChannelBinding: 'SCRAM runs without channel binding',
};

/** Where to connect, as whom, and with which settings, after defaults and environment. */
export class ConnectionParameters {
  readonly user: string | undefined;
  readonly database: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly ssl: boolean | TlsConfig;
  readonly options: string | undefined;
  readonly application_name: string | undefined;
  readonly fallback_application_name: string | undefined;
  readonly statement_timeout: number | string | false | undefined;
  readonly lock_timeout: number | string | false | undefined;
  readonly idle_in_transaction_session_timeout: number | string | false | undefined;
  readonly query_timeout: number | string | false | undefined;
  /** Milliseconds before the first keep-alive probe; nothing for none. */
  readonly keepAliveMs: number | undefined;
  /** Whether `pgbouncer=true` in the connection string says that statements cannot have names. */
  readonly isBehindPgBouncer: boolean;
  declare readonly password: ClientConfig['password'];

  /**
   * Without any address in the options and in the `PG*` environment it is that of `puff.config.ts` or
   * `DATABASE_URL`, and so the embedded database.
   *
   * @throws {PuffError} `PUFF_POSTGRES_CONFIG` for options that cannot be obeyed
   */
  constructor(options: string | ClientConfig = {}) {
    const config = expand(typeof options === 'string' ? { connectionString: options } : options);
    for (const [name, reason] of Object.entries(REFUSED)) {
      if (config[name]) throw refused(`the option \`${name}\``, reason);
    }
    if (config.sslnegotiation === 'direct') {
      throw refused('sslnegotiation=direct', 'TLS begins with an SSLRequest here');
    }
    this.user = config.user || process.env.PGUSER || defaults.user;
    this.database = config.database || process.env.PGDATABASE || defaults.database || this.user;
    this.host = config.host || process.env.PGHOST || defaults.host;
    this.port = Number.parseInt(String(config.port || process.env.PGPORT || defaults.port), 10);
    this.ssl = tlsSetting(config.ssl);
    this.options = config.options || process.env.PGOPTIONS || defaults.options;
    this.application_name =
      config.application_name || process.env.PGAPPNAME || defaults.application_name;
    this.fallback_application_name =
      config.fallback_application_name || defaults.fallback_application_name;
    this.statement_timeout = config.statement_timeout || defaults.statement_timeout;
    this.lock_timeout = config.lock_timeout || defaults.lock_timeout;
    this.idle_in_transaction_session_timeout =
      config.idle_in_transaction_session_timeout || defaults.idle_in_transaction_session_timeout;
    this.query_timeout = config.query_timeout || defaults.query_timeout;
    // Off unless it is asked for, as in node-postgres; 0 there means the system's default.
    this.keepAliveMs = config.keepAlive
      ? config.keepAliveInitialDelayMillis || SYSTEM_KEEP_ALIVE_MS
      : undefined;
    this.isBehindPgBouncer = config.pgbouncer === 'true';
    // Not enumerable, so that it does not show in what is logged.
    Object.defineProperty(this, 'password', {
      configurable: true,
      enumerable: false,
      writable: true,
      value: config.password || process.env.PGPASSWORD || defaults.password,
    });
  }

  /** The options of the native pool, but for its sizes and times. */
  nativeOptions(password: string | null | undefined): Record<string, unknown> {
    return {
      url: this.#url(password),
      parameters: this.#startupParameters(),
      tls: nativeTls(this.ssl, this.host),
      namedStatements: !this.isBehindPgBouncer,
      ...(this.keepAliveMs === undefined ? {} : { keepAliveMs: this.keepAliveMs }),
    };
  }

  #url(password: string | null | undefined): string {
    const name = this.user ?? systemUser();
    const user = encodeURIComponent(name);
    const secret = password ? `:${encodeURIComponent(password)}` : '';
    const database = encodeURIComponent(this.database ?? name);
    const host = encodeURIComponent(this.host);
    return `postgres://${user}${secret}@/${database}?host=${host}&port=${this.port}`;
  }

  #startupParameters(): Record<string, string> {
    const parameters: Record<string, string> = {};
    const name = this.application_name || this.fallback_application_name;
    if (name) parameters.application_name = name;
    if (this.options) parameters.options = this.options;
    for (const timeout of TIMEOUTS) {
      const value = Number.parseInt(String(this[timeout] || 0), 10);
      if (value) parameters[timeout] = String(value);
    }
    return parameters;
  }
}

const TIMEOUTS = [
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
] as const;

/** Linux' default for the time before the first probe. */
const SYSTEM_KEEP_ALIVE_MS = 7_200_000;

/** As libpq: where nothing says who connects, it is who runs the program. */
function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return 'postgres'; // no entry in the system's user database
  }
}

/** Brings the parts of a connection string in; without any address, that of next-puff. */
function expand(config: ClientConfig): ClientConfig {
  const isAddressed =
    ADDRESS_OPTIONS.some((name) => config[name]) ||
    defaults.connectionString !== undefined ||
    ADDRESS_VARIABLES.some((name) => process.env[name]);
  const url = isAddressed
    ? config.connectionString || defaults.connectionString
    : settings().postgres.url || process.env.DATABASE_URL;
  if (!url) return config;
  // What the string says goes before the options beside it.
  return { ...config, ...(parse(url) as unknown as ClientConfig) };
}

function tlsSetting(ssl: ClientConfig['ssl']): boolean | TlsConfig {
  const setting = ssl ?? environmentTls() ?? (defaults.ssl as boolean | TlsConfig);
  if (setting === 'no-verify') return { rejectUnauthorized: false };
  // Other texts (`require`) switch TLS on, with what that means by default.
  if (typeof setting === 'string') return setting !== '';
  if (typeof setting === 'object' && setting !== null && 'key' in setting) {
    Object.defineProperty(setting, 'key', { enumerable: false });
  }
  return setting ?? false;
}

function environmentTls(): ClientConfig['ssl'] {
  switch (process.env.PGSSLMODE) {
    case 'disable':
      return false;
    case 'prefer':
    case 'require':
    case 'verify-ca':
    case 'verify-full':
      return true;
    case 'no-verify':
      return 'no-verify';
    default:
      return undefined;
  }
}

const TLS_OPTIONS = [
  'rejectUnauthorized',
  'ca',
  'cert',
  'key',
  'servername',
  'checkServerIdentity',
];

function nativeTls(ssl: boolean | TlsConfig, host: string): NativeTls {
  // A Unix socket has no TLS.
  if (!ssl || host.startsWith('/')) return { mode: 'disable' };
  if (ssl === true) return { mode: 'verify-full' };
  for (const [name, value] of Object.entries(ssl)) {
    if (TLS_OPTIONS.includes(name) || value === undefined) continue;
    throw refused(`ssl.${name}`, `the native core obeys ${TLS_OPTIONS.join(', ')}`);
  }
  if (ssl.servername && ssl.servername !== host) {
    throw refused('ssl.servername', `the certificate is checked for the host, ${host}`);
  }
  const tls: NativeTls = { mode: verification(ssl) };
  // libpq's `require` would check the chain if it were given an authority.
  if (ssl.ca && tls.mode !== 'require') tls.ca = pemText(ssl.ca);
  if (ssl.cert) tls.cert = pemText(ssl.cert);
  if (ssl.key) tls.key = pemText(ssl.key);
  return tls;
}

function verification({ rejectUnauthorized, checkServerIdentity }: TlsConfig): NativeTls['mode'] {
  if (rejectUnauthorized === false) return 'require';
  if (checkServerIdentity === undefined) return 'verify-full';
  if (acceptsAnybody(checkServerIdentity)) return 'verify-ca';
  throw refused(
    'ssl.checkServerIdentity',
    'the handshake runs outside of JavaScript; only a function that accepts every name is understood',
  );
}

function acceptsAnybody(check: NonNullable<TlsConfig['checkServerIdentity']>): boolean {
  try {
    return check('next-puff.invalid', { subject: {}, subjectaltname: '' } as never) === undefined;
  } catch {
    return false;
  }
}

function pemText(pem: Pem): string {
  const parts = typeof pem === 'string' || Buffer.isBuffer(pem) ? [pem] : pem;
  return parts.map((part) => String(part)).join('\n');
}

function refused(what: string, reason: string): PuffError {
  return new PuffError('PUFF_POSTGRES_CONFIG', `next-puff/pg cannot obey ${what}: ${reason}.`, {
    operation: 'connect',
    hint: 'Leave it out, or use node-postgres itself for this connection.',
  });
}
