import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PuffError } from '../errors.js';

/** The Prisma CLI that a project has installed. */
export interface PrismaInstallation {
  version: string;
  /** The script behind the command `prisma`. */
  bin: string;
  /** Version of the engines that this version of Prisma works with. */
  enginesVersion: string;
  /** Where Prisma looks for the native engine, and puts a downloaded one. */
  enginesDirectory: string;
}

/**
 * Finds the Prisma CLI of a project.
 *
 * @throws PuffError `PUFF_PRISMA_NOT_FOUND` when the project has none.
 */
export function findPrisma(directory: string): PrismaInstallation {
  try {
    const manifest = createRequire(join(directory, 'package.json')).resolve('prisma/package.json');
    const enginesManifest = createRequire(manifest).resolve('@prisma/engines/package.json');
    const enginesVersion = createRequire(enginesManifest).resolve(
      '@prisma/engines-version/package.json',
    );
    return {
      version: versionOf(manifest),
      bin: join(dirname(manifest), 'build', 'index.js'),
      enginesVersion: versionOf(enginesVersion),
      enginesDirectory: dirname(enginesManifest),
    };
  } catch (cause) {
    throw new PuffError('PUFF_PRISMA_NOT_FOUND', `No Prisma CLI is installed for ${directory}.`, {
      cause,
      hint: 'Run this in the directory of an app that uses Prisma, or install it: npm install --save-dev prisma@7',
    });
  }
}

function versionOf(manifest: string): string {
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
