import { accessSync, chmodSync, constants } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PuffError } from '../errors.js';
import { findEnginePackage } from './engine-package.js';
import { ENGINE_PACKAGE_VARIABLE } from './engine-variable.js';
import { findNativeEngine } from './native-engine.js';
import type { PrismaInstallation } from './prisma-installation.js';

const ENGINE_BINARY = 'PRISMA_SCHEMA_ENGINE_BINARY';

/** Our stand-in for the native engine. */
const PROGRAM = fileURLToPath(new URL('../../bin/schema-engine.js', import.meta.url));

/**
 * What to add to the environment so that the Prisma CLI needs no network: it names a schema engine that
 * is there, so that none is downloaded, and turns the checks for updates and the statistics off unless
 * the environment says otherwise.
 *
 * A native engine is preferred where there is one, because it is what Prisma itself would use.
 *
 * @param needsEngine whether the command is known to start the engine; then a missing one is an error
 * @throws PuffError `PUFF_PRISMA_ENGINE_MISMATCH`, `PUFF_PRISMA_ENGINE_UNUSABLE`
 */
export async function prismaEnvironment(
  directory: string,
  prisma: PrismaInstallation,
  needsEngine: boolean,
): Promise<Record<string, string>> {
  const env = process.env;
  const quiet = {
    CHECKPOINT_DISABLE: env.CHECKPOINT_DISABLE ?? '1',
    PRISMA_HIDE_UPDATE_MESSAGE: env.PRISMA_HIDE_UPDATE_MESSAGE ?? '1',
  };
  // Windows starts no scripts, so there Prisma gets its engine as it always does.
  if (env[ENGINE_BINARY] || process.platform === 'win32') return quiet;
  const native = await findNativeEngine(prisma);
  if (native !== undefined) return { ...quiet, [ENGINE_BINARY]: native };

  const enginePackage = needsEngine ? findEnginePackage(directory, prisma) : undefined;
  makeExecutable(PROGRAM);
  return {
    ...quiet,
    [ENGINE_BINARY]: PROGRAM,
    ...(enginePackage !== undefined && { [ENGINE_PACKAGE_VARIABLE]: enginePackage }),
    // The program's first line asks `env` for `node`: that is to be this one.
    PATH: [dirname(process.execPath), env.PATH].filter(Boolean).join(delimiter),
  };
}

/** Some ways of copying packages lose the permission to execute files. */
function makeExecutable(file: string): void {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    try {
      chmodSync(file, 0o755);
    } catch (cause) {
      throw new PuffError('PUFF_PRISMA_ENGINE_UNUSABLE', `${file} cannot be executed.`, {
        cause,
        operation: 'migrate',
        hint: `Run: chmod +x '${file}'`,
      });
    }
  }
}
