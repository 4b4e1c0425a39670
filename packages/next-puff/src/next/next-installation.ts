import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PuffError } from '../errors.js';

/** The Next.js that a project has installed. */
export interface NextInstallation {
  version: string;
  /** The script behind the command `next`. */
  bin: string;
  /** Its loader of `.env` files. */
  loadEnv: LoadEnv;
}

/** `loadEnvConfig` of `@next/env`, as far as it is used here. */
type LoadEnv = (directory: string, isDev: boolean, log?: EnvLog) => unknown;
type EnvLog = Record<'info' | 'error', (...args: unknown[]) => void>;

/**
 * Finds the Next.js of a project.
 *
 * @throws PuffError `PUFF_NEXT_NOT_FOUND` when the project has none.
 */
export function findNext(directory: string): NextInstallation {
  let manifest: string;
  try {
    manifest = createRequire(join(directory, 'package.json')).resolve('next/package.json');
  } catch (cause) {
    throw new PuffError('PUFF_NEXT_NOT_FOUND', `No Next.js is installed for ${directory}.`, {
      cause,
      hint: 'Run this in the directory of a Next.js app, or install it: npm install next@16 react react-dom',
    });
  }
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return {
    version,
    bin: join(dirname(manifest), 'dist', 'bin', 'next'),
    loadEnv: (createRequire(manifest)('@next/env') as { loadEnvConfig: LoadEnv }).loadEnvConfig,
  };
}
