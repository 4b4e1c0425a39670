import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PuffError } from '../errors.js';
import type { PrismaInstallation } from './prisma-installation.js';

const PACKAGE = '@prisma/schema-engine-wasm';

/**
 * Finds the schema engine that belongs to the app's Prisma: the app's own `@prisma/schema-engine-wasm`
 * if it has one of that version, otherwise the one that next-puff depends on. Returns its directory.
 *
 * The engine is taken from this package and not from `prisma/build`, which holds the same WebAssembly
 * without the JavaScript that goes with it; that JavaScript only fits the build it was made with.
 *
 * @throws PuffError `PUFF_PRISMA_ENGINE_MISMATCH` when neither has the version that Prisma needs.
 */
export function findEnginePackage(directory: string, prisma: PrismaInstallation): string {
  const found: string[] = [];
  for (const importer of [join(directory, 'package.json'), fileURLToPath(import.meta.url)]) {
    const engine = enginePackage(importer);
    if (engine?.version === prisma.enginesVersion) return engine.directory;
    if (engine && !found.includes(engine.version)) found.push(engine.version);
  }
  throw new PuffError(
    'PUFF_PRISMA_ENGINE_MISMATCH',
    `prisma ${prisma.version} works with the schema engine ${prisma.enginesVersion}, but installed is ` +
      `${found.length === 0 ? 'none' : found.join(' and ')}.`,
    {
      operation: 'migrate',
      hint: `Install the engine that fits: npm install --save-dev --save-exact ${PACKAGE}@${prisma.enginesVersion}`,
    },
  );
}

function enginePackage(importer: string): { directory: string; version: string } | undefined {
  try {
    // Its package.json is not among its exports, its main file is beside it.
    const directory = dirname(createRequire(importer).resolve(PACKAGE));
    const manifest = readFileSync(join(directory, 'package.json'), 'utf8');
    return { directory, version: (JSON.parse(manifest) as { version: string }).version };
  } catch {
    return undefined;
  }
}
