export { type WithPuffOptions, withPuff } from '../next/with-puff.cjs';
export type { CacheConfig } from './cache-config.cjs';
export { ConfigError } from './config-error.cjs';
export { findConfigFile, loadConfig } from './load-config.cjs';
export { publishSettings, settings, settingsOf } from './published-settings.cjs';
export {
  type Command,
  type CommandContext,
  defineConfig,
  type PoolConfig,
  type PostgresConfig,
  type PuffConfig,
  type PuffSettings,
  type RequestsConfig,
} from './puff-config.cjs';
export type {
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
export type { TasksConfig } from './tasks-config.cjs';
