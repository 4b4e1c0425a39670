import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findConfigFile, type PoolConfig, publishSettings, settingsOf } from '../config/index.cjs';
import { embeddedPostgresVersion } from '../embedded/binaries.js';
import { embeddedPostgresStatus } from '../embedded/index.js';
import { PuffError } from '../errors.js';
import { findNext } from '../next/next-installation.js';
import { configuredServers, examineRedis } from './redis-check.js';
import { type AppConfiguration, readConfiguration } from './services.js';

/** What came out of looking at one thing. */
export interface Check {
  name: string;
  /** `skipped`: could not be checked because something else failed. */
  status: 'ok' | 'failed' | 'skipped';
  message: string;
  /** What to do. */
  hint?: string;
}

// A person is waiting, and a database that answers at all answers within this.
const CONNECT_TIMEOUT_MS = 3_000;
const NODE_MINIMUM = [20, 19];
const NEXT_MINIMUM = [16, 4];
const NEXT_CONFIGS = ['ts', 'mts', 'js', 'mjs', 'cjs'].map((ending) => `next.config.${ending}`);

/** Examines a project and the machine it is on, without changing either. */
export async function examine(directory: string): Promise<Check[]> {
  const native = await check('native addon', nativeAddon);
  let configuration: AppConfiguration | undefined;
  const config = await check('puff.config', () => {
    configuration = readConfiguration(directory, process.env.NODE_ENV !== 'production');
    const file = findConfigFile(directory);
    return file ? `${file} is valid` : 'none; the defaults apply';
  });
  const checks = [
    await check('Node.js', nodeVersion),
    await check('Next.js', () => nextVersion(directory)),
    native,
    config,
    await check('withPuff', () => usesWithPuff(directory)),
  ];
  if (configuration === undefined) {
    return [...checks, skipped('database', 'not looked for, because puff.config cannot be used')];
  }
  const canConnect = native.status === 'ok';
  return [
    ...checks,
    ...(await redisServers(configuration, canConnect)),
    ...(await databases(directory, configuration, canConnect)),
  ];
}

async function check(name: string, look: () => string | Promise<string>): Promise<Check> {
  try {
    return { name, status: 'ok', message: await look() };
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string };
    // Errors of ours repeat their hint at the end of the message.
    const said = hint === undefined ? message : message.replace(`\n${hint}`, '');
    return { name, status: 'failed', message: said, ...(hint !== undefined && { hint }) };
  }
}

function skipped(name: string, message: string): Check {
  return { name, status: 'skipped', message };
}

function failure(message: string, hint: string): PuffError {
  return new PuffError('PUFF_DOCTOR', message, { hint });
}

function nodeVersion(): string {
  const version = process.versions.node;
  if (isAtLeast(version, NODE_MINIMUM)) return version;
  throw failure(
    `version ${version} is too old`,
    `Install Node.js ${NODE_MINIMUM.join('.')} or newer.`,
  );
}

function nextVersion(directory: string): string {
  const { version } = findNext(directory);
  if (isAtLeast(version, NEXT_MINIMUM) && Number.parseInt(version, 10) === NEXT_MINIMUM[0]) {
    return version;
  }
  throw failure(
    `version ${version} is not supported`,
    `Install a version from ${NEXT_MINIMUM.join('.')} on, below 17: npm install next@16`,
  );
}

function isAtLeast(version: string, [major = 0, minor = 0]: number[]): boolean {
  const [actualMajor = 0, actualMinor = 0] = version.split('.').map(Number);
  return actualMajor > major || (actualMajor === major && actualMinor >= minor);
}

async function nativeAddon(): Promise<string> {
  const { loadNative } = await import('../native.js');
  loadNative();
  return `loads on ${process.platform}-${process.arch}`;
}

function usesWithPuff(directory: string): string {
  const file = NEXT_CONFIGS.find((name) => existsSync(join(directory, name)));
  const advice =
    "Write: import { withPuff } from 'next-puff'; export default withPuff({ /* your config */ })";
  if (file === undefined) throw failure('there is no next.config file', advice);
  // Comments out, so that a call that was switched off does not count.
  const code = readFileSync(join(directory, file), 'utf8').replace(
    /\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm,
    '',
  );
  if (/\bwithPuff\s*\(/.test(code)) return `used in ${file}`;
  throw failure(`${file} does not call withPuff`, advice);
}

/** Checks the Redis servers that are configured; there need be none. */
async function redisServers({ settings }: AppConfiguration, canConnect: boolean): Promise<Check[]> {
  publishSettings(settings, 'cli');
  const checks: Check[] = [];
  for (const [name, server] of configuredServers(settings.redis?.clients ?? {})) {
    checks.push(
      canConnect
        ? await check(name, () => examineRedis(server, CONNECT_TIMEOUT_MS))
        : skipped(name, 'not tried, because the native addon does not load'),
    );
  }
  return checks;
}

/** Checks the databases of all pools, or that the embedded one can be had. */
async function databases(
  directory: string,
  { settings, databaseUrl }: AppConfiguration,
  canConnect: boolean,
): Promise<Check[]> {
  const { pools = {}, ...main } = settings.postgres;
  const status = embeddedPostgresStatus(directory);
  const running = status.state === 'running' ? status.url : undefined;
  const url = databaseUrl ?? running;
  const named = Object.keys(pools);
  if (!canConnect) {
    const names = [...(url ? ['database'] : []), ...named.map((name) => `database "${name}"`)];
    return [
      ...(url ? [] : [await embedded(directory)]),
      ...names.map((name) => skipped(name, 'not tried, because the native addon does not load')),
    ];
  }
  const quick = (pool: PoolConfig) => ({ ...pool, connectTimeoutMs: CONNECT_TIMEOUT_MS });
  publishSettings(
    settingsOf({
      postgres: {
        ...quick({ ...main, ...(url && { url }) }),
        pools: Object.fromEntries(named.map((name) => [name, quick(pools[name] ?? {})])),
      },
    }),
    'cli',
  );
  const { postgres } = await import('../postgres/index.js');
  const version = 'select current_setting($1) as version';
  try {
    const checks = [
      url
        ? await check('database', async () => {
            const [row] = await postgres.query<{ version: string }>(version, ['server_version']);
            return `PostgreSQL ${row?.version} at ${place(url)}${databaseUrl ? '' : ' (embedded, running)'}`;
          })
        : await embedded(directory),
    ];
    for (const name of named) {
      checks.push(
        await check(`database "${name}"`, async () => {
          const pool = postgres.pool(name);
          const [row] = await pool.query<{ version: string }>(version, ['server_version']);
          return `PostgreSQL ${row?.version}`;
        }),
      );
    }
    return checks;
  } finally {
    await postgres.end();
  }
}

function embedded(directory: string): Promise<Check> {
  return check('database', () => {
    const version = embeddedPostgresVersion(directory);
    return `none configured; the embedded PostgreSQL ${version} will be started when it is needed`;
  });
}

/** The URL without its user, password and parameters. */
function place(url: string): string {
  return url.replace(/^\w+:\/\/([^@/]*@)?/, '').replace(/\?.*/, '');
}
