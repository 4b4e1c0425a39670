import {
  loadConfig,
  type PuffConfig,
  type PuffSettings,
  publishSettings,
  settingsOf,
} from '../config/index.cjs';
import { startEmbeddedPostgres } from '../embedded/index.js';
import { hasEmbeddedPostgres } from '../embedded/layout.js';
import { findNext, type NextInstallation } from '../next/next-installation.js';
import { say } from '../report.js';
import { chosenEngine } from '../tasks/open-store.js';

/** How an app is configured: its `.env` files and `puff.config.*`, read as Next.js would read them. */
export interface AppConfiguration {
  config: PuffConfig;
  settings: PuffSettings;
  /** URL of the default pool; without it the embedded PostgreSQL is used. */
  databaseUrl: string | undefined;
  /** Where tasks are kept. */
  taskEngine: 'postgres' | 'bullmq';
}

/** What runs beside the app. */
export interface Services {
  /** Whether the app uses the embedded PostgreSQL. */
  isEmbedded: boolean;
  /** Ends what was started here. */
  stop(): Promise<void>;
}

/** Reads the configuration of an app and puts the variables of its `.env` files into `process.env`. */
export function readConfiguration(directory: string, isDev: boolean): AppConfiguration {
  loadEnvironment(directory, isDev);
  const config = loadConfig(directory);
  const databaseUrl = config.postgres?.url || process.env.DATABASE_URL || undefined;
  const settings = settingsOf(config);
  return { config, settings, databaseUrl, taskEngine: chosenEngine(settings) };
}

/** Reads the configuration of an app and leaves `process.env` as it was. */
export function peekConfiguration(directory: string, isDev: boolean): AppConfiguration {
  const before = { ...process.env };
  try {
    return readConfiguration(directory, isDev);
  } finally {
    for (const name of Object.keys(process.env)) {
      if (!(name in before)) delete process.env[name];
    }
    Object.assign(process.env, before);
  }
}

/**
 * Starts what the app needs and has not configured, and publishes both through `process.env`
 * (`DATABASE_URL`, and the settings) to this process and its children.
 */
export async function startServices(
  directory: string,
  { settings, databaseUrl }: AppConfiguration,
): Promise<Services> {
  publishSettings(settings, 'cli');
  if (databaseUrl !== undefined) return { isEmbedded: false, stop: async () => {} };

  const begin = performance.now();
  const postgres = await startEmbeddedPostgres({ directory, log: say });
  process.env.DATABASE_URL = postgres.url;
  const took = `${Math.round(performance.now() - begin)} ms`;
  say(
    postgres.adopted
      ? `using the embedded PostgreSQL on port ${postgres.port}, which another process started`
      : `embedded PostgreSQL ready on port ${postgres.port} after ${took} (DATABASE_URL is not set)`,
  );
  return { isEmbedded: true, stop: () => postgres.stop() };
}

/**
 * As {@link startServices}, for what works on tasks and serves no requests: where Redis keeps them, a database that nobody
 * has configured is not started, unless the project has an embedded one, which its servers use.
 */
export async function startTaskServices(
  directory: string,
  configuration: AppConfiguration,
): Promise<Services> {
  const { settings, taskEngine } = configuration;
  if (taskEngine === 'postgres' || hasEmbeddedPostgres(directory)) {
    return startServices(directory, configuration);
  }
  publishSettings(settings, 'cli');
  return { isEmbedded: false, stop: async () => {} };
}

function loadEnvironment(directory: string, isDev: boolean): void {
  let next: NextInstallation;
  try {
    next = findNext(directory);
  } catch {
    return; // without Next.js nobody else reads these files either
  }
  next.loadEnv(directory, isDev, {
    info: () => {},
    error: (...parts) => say(parts.map(String).join(' ')),
  });
}
