import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { ConfigError } from './config-error.cjs';
import { ownModules } from './own-modules.cjs';
import { defineConfig, type PuffConfig } from './puff-config.cjs';
import { validateConfig } from './validate-config.cjs';

const CONFIG_FILES = ['puff.config.ts', 'puff.config.mts', 'puff.config.js', 'puff.config.mjs'];

/**
 * Path of the `puff.config.*` of a project, or nothing when it has none.
 *
 * @throws ConfigError when there are several, since only one could be meant
 */
export function findConfigFile(dir: string): string | undefined {
  // The comments keep Next.js from copying the whole project into the server's output.
  const found = CONFIG_FILES.filter((name) =>
    existsSync(join(/* turbopackIgnore: true */ dir, name)),
  );
  if (found.length > 1) {
    throw new ConfigError(
      `${resolve(/* turbopackIgnore: true */ dir)} has ${found.join(' and ')}.`,
      {
        hint: 'Keep one of them.',
      },
    );
  }
  return found[0] === undefined ? undefined : resolve(/* turbopackIgnore: true */ dir, found[0]);
}

/**
 * Loads and checks the `puff.config.*` of a project; a project without one has the empty config.
 *
 * It works at once, without a promise, so that `withPuff` can answer an object with an object. A
 * config file can therefore not use top-level `await`; commands in it can.
 *
 * @throws ConfigError when the file cannot be evaluated or says something wrong
 */
export function loadConfig(dir: string): PuffConfig {
  const path = findConfigFile(dir);
  if (path === undefined) return {};
  return validateConfig(evaluate(path), basename(path));
}

function evaluate(path: string): unknown {
  // Loaded only now, because a server whose settings were published needs no compiler.
  const { createJiti } = require('jiti') as typeof import('jiti');
  // No caches: `next dev` evaluates a changed config in a process that has seen the former one.
  const jiti = createJiti(path, {
    moduleCache: false,
    fsCache: false,
    virtualModules: ownModules({ defineConfig }),
  });
  try {
    const loaded = jiti(path) as { default?: unknown };
    return loaded.default ?? loaded;
  } catch (error) {
    const reason = (error as Error | null)?.message ?? String(error);
    throw new ConfigError(`${basename(path)} cannot be evaluated: ${reason}`, {
      cause: error,
      hint: /await/.test(reason) ? 'Top-level await is not possible here.' : undefined,
    });
  }
}
