import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
// Not from 'next': that would change the global types of this whole package, `process.env` among them.
import type { NextConfig } from 'next/dist/server/config-shared.js';
import { loadConfig } from '../config/load-config.cjs';
import { publishSettings, settingsOf } from '../config/published-settings.cjs';
import { watchClients } from '../context/client-connection.cjs';
import { type PatchedPackage, redirectPackage } from '../patch/redirect.cjs';
import { takeAdapterSlot } from '../server/adapter/composition.cjs';
import type { TransformOptions } from './transform/index.js' with { 'resolution-mode': 'import' };
import { UpgradeTypesPlugin } from './upgrade-types-plugin.cjs';

/** What `withPuff` does beside its default. */
export interface WithPuffOptions {
  /** Whether route handlers are wrapped. Default true. */
  routes?: boolean;
  /** Whether server actions are wrapped. Default true. */
  actions?: boolean;
  /** Whether tasks are named after their files, and brought into the server by what mounts `taskRoutes()`. Default true. */
  tasks?: boolean;
  /**
   * Packages that next-puff stands for, in the app and in its dependencies: `pg` becomes
   * `next-puff/pg`, and `ioredis` becomes `next-puff/ioredis`. Default: none.
   */
  patch?: readonly PatchedPackage[];
  /**
   * Whether Next.js' caches are those of the process under `next-puff start`, where all workers and the native server share
   * them; a `cacheHandler` or a `cacheHandlers` entry of the config's own stays. Default true.
   */
  cache?: boolean;
  /** The project's folder, with `puff.config.ts` and `app`. Default: the working directory. */
  dir?: string;
}

const LOADER = join(__dirname, 'loader.cjs');
const CODE_FILE = /\.(?:[cm]?[jt]s|[jt]sx)$/;
// A glob that matches every file and that nobody else writes, so that no rule of the user's is lost.
const RULE_KEY = '{*,next-puff}';
// graphql because the app's schema and next-puff must be of the same copy of it.
const EXTERNAL_PACKAGES = ['next-puff', '@next-puff/core-native', 'graphql', 'bullmq'];
const DEFAULT_PAGE_EXTENSIONS = ['tsx', 'ts', 'jsx', 'js'];

/**
 * Adds next-puff to a Next.js config: the exports of every `app/**\/route.*` and every server action
 * run in a request context and tasks are named after their files, in `next dev` and `next build`, under Turbopack and webpack.
 *
 * It takes whatever Next.js takes (an object, a promise, a function, an async function) and answers
 * with the same. It adds to the config and replaces nothing in it. It also reads `puff.config.*` and
 * publishes its settings to the server.
 *
 * @throws ConfigError when `puff.config.*` is wrong
 */
export function withPuff(config?: NextConfig, options?: WithPuffOptions): NextConfig;
export function withPuff(
  config: Promise<NextConfig>,
  options?: WithPuffOptions,
): Promise<NextConfig>;
export function withPuff<Args extends unknown[], Result extends NextConfig | Promise<NextConfig>>(
  config: (...args: Args) => Result,
  options?: WithPuffOptions,
): (...args: Args) => Result;
export function withPuff(
  config: NextConfig | Promise<NextConfig> | ((...args: unknown[]) => unknown) = {},
  options: WithPuffOptions = {},
): unknown {
  const dir = resolve(options.dir ?? process.cwd());
  // Here and not in a function's call: Next.js passes on only what the environment holds by now.
  publishSettings(settingsOf(loadConfig(dir)), 'withPuff');
  watchClients();
  // For dependencies that are not bundled; the ones that are find it by the aliases.
  options.patch?.forEach(redirectPackage);
  const extend = (value: unknown) => extendConfig((value ?? {}) as NextConfig, options, dir);
  const extendLater = (value: unknown) => (isPromise(value) ? value.then(extend) : extend(value));
  if (typeof config === 'function') return (...args: unknown[]) => extendLater(config(...args));
  return extendLater(config);
}

function extendConfig(config: NextConfig, options: WithPuffOptions, dir: string): NextConfig {
  const { routes = true, actions = true, tasks = true, cache = true, patch = [] } = options;
  const extended: NextConfig = {
    ...config,
    adapterPath: takeAdapterSlot(config.adapterPath),
    serverExternalPackages: union(config.serverExternalPackages, EXTERNAL_PACKAGES),
    outputFileTracingIncludes: extendTracing(config.outputFileTracingIncludes, dir),
    ...(cache ? installCache(config) : {}),
  };
  if (!routes && !actions && !tasks && patch.length === 0) return extended;
  const transformOptions: TransformOptions = {
    dir,
    pageExtensions: config.pageExtensions ?? [...DEFAULT_PAGE_EXTENSIONS, 'mjs'],
    routes,
    actions,
    tasks,
    version: loaderVersion(),
  };
  // Without this condition Next.js could no longer warn that Turbopack ignores `webpack`.
  if (config.turbopack || !config.webpack) {
    extended.turbopack = extendTurbopack(config.turbopack ?? {}, transformOptions, patch);
  }
  extended.webpack = extendWebpack(config.webpack, transformOptions, patch);
  return extended;
}

/**
 * Names the handlers of the shared cache where the config names none. `next dev` keeps to its own, which are made for edits.
 */
function installCache(config: NextConfig): Partial<NextConfig> {
  if (process.env.NODE_ENV !== 'production') return {};
  const installed: Partial<NextConfig> = {};
  const file = (name: string) => join(__dirname, '..', 'cache', name);
  if (!config.cacheHandler && !process.env.NEXT_CACHE_HANDLER_PATH) {
    installed.cacheHandler = file('cache-handler.js');
  }
  // Without it nothing calls them, and Turbopack of Next.js 16.4.6 cannot compile edge routes where there are two.
  if (config.cacheComponents || config.experimental?.useCache) {
    const shared = file('use-cache-handler.js');
    installed.cacheHandlers = { default: shared, remote: shared, ...config.cacheHandlers };
  }
  return installed;
}

type Turbopack = NonNullable<NextConfig['turbopack']>;
type Rule = NonNullable<Turbopack['rules']>[string];

function extendTurbopack(
  turbopack: Turbopack,
  options: TransformOptions,
  patch: readonly string[],
): Turbopack {
  const aliases = Object.fromEntries(patch.map((name) => [name, `next-puff/${name}`]));
  const extensions = options.pageExtensions.map(escapeRegExp).join('|');
  const rule: Rule = {
    condition: {
      all: [
        { not: 'foreign' },
        { not: 'edge-light' },
        { path: CODE_FILE },
        {
          any: [
            // Turbopack's paths start at its root, which may be above the project.
            { path: new RegExp(`(^|/)app/(.*/)?route\\.(${extensions})$`) },
            // In the browser's graph too, so that both see the same actions.
            { content: /use server/ },
            { content: /next-puff\/tasks/ },
          ],
        },
      ],
    },
    loaders: [{ loader: LOADER, options: { ...options } }],
  };
  return {
    ...turbopack,
    resolveAlias: { ...turbopack.resolveAlias, ...aliases },
    rules: { ...turbopack.rules, [RULE_KEY]: rule },
  };
}

type Webpack = NonNullable<NextConfig['webpack']>;

/** The part of webpack's configuration that is extended here. */
interface WebpackConfig {
  module?: { rules?: unknown[] };
  externals?: unknown;
  plugins?: unknown[];
}

/**
 * Keeps next-puff out of the bundle also where it is linked, because `serverExternalPackages` knows a
 * package by its place in `node_modules`, which a linked one does not have; and where it stands for
 * another package.
 */
function externalPackages(patch: readonly string[]) {
  return async ({ request = '' }: { request?: string }): Promise<string | undefined> => {
    if (patch.includes(request)) return `module next-puff/${request}`;
    const isOurs = /^(@next-puff\/core-native|next-puff)(\/|$)/.test(request);
    return isOurs ? `module ${request}` : undefined;
  };
}

function extendWebpack(
  former: NextConfig['webpack'],
  options: TransformOptions,
  patch: readonly string[],
): Webpack {
  return (webpackConfig, context) => {
    const addRule = (composed: WebpackConfig) => {
      if (context.nextRuntime === 'edge') return composed;
      if (context.isServer) {
        composed.externals = [externalPackages(patch), composed.externals ?? []].flat();
        composed.plugins = [...(composed.plugins ?? []), new UpgradeTypesPlugin()];
      }
      composed.module ??= {};
      composed.module.rules = [
        ...(composed.module.rules ?? []),
        {
          test: CODE_FILE,
          include: (path: string) => path.startsWith(options.dir + sep),
          exclude: /[\\/]node_modules[\\/]/,
          // Before Next.js's own loader, which takes the source apart.
          enforce: 'pre',
          use: [{ loader: LOADER, options }],
        },
      ];
      return composed;
    };
    const composed: unknown = former ? former(webpackConfig, context) : webpackConfig;
    return isPromise(composed)
      ? composed.then((value) => addRule(value as object))
      : addRule(composed as object);
  };
}

/** What the server needs and Next.js cannot see in the code: the addon, and the config it reads. */
function extendTracing(
  includes: NextConfig['outputFileTracingIncludes'],
  dir: string,
): NonNullable<NextConfig['outputFileTracingIncludes']> {
  const files = ['./puff.config.*'];
  const addon = addonFolder();
  if (addon) files.push(`${relative(dir, addon).split(sep).join('/')}/*.node`);
  return { ...includes, '/*': union(includes?.['/*'], files) };
}

function addonFolder(): string | undefined {
  try {
    return dirname(require.resolve('@next-puff/core-native'));
  } catch {
    return undefined;
  }
}

/** A digest of the code that the loader runs. */
function loaderVersion(): string {
  const transformDir = join(__dirname, 'transform');
  const files = readdirSync(transformDir)
    .filter((name) => name.endsWith('.js'))
    .sort()
    .map((name) => join(transformDir, name));
  const hash = createHash('sha256');
  for (const file of [LOADER, ...files]) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

function union(present: string[] | undefined, added: string[]): string[] {
  return [...new Set([...(present ?? []), ...added])];
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null)?.then === 'function';
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
