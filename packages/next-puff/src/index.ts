export {
  type Command,
  type CommandContext,
  ConfigError,
  defineConfig,
  findConfigFile,
  loadConfig,
  type PoolConfig,
  type PostgresConfig,
  type PuffConfig,
  type PuffSettings,
  publishSettings,
  type RequestsConfig,
  settings,
  settingsOf,
  type WithPuffOptions,
  withPuff,
} from './config/index.cjs';
export * from './errors.js';
export * from './next/index.js';
export * from './postgres/index.js';
export * from './redis/index.js';
