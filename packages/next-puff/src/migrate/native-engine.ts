import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { PrismaInstallation } from './prisma-installation.js';

/** What is used here of `@prisma/get-platform`, a dependency of `@prisma/engines`. */
interface PlatformModule {
  getBinaryTargetForCurrentPlatform(): Promise<string>;
}

/** Path of the native schema engine that Prisma has downloaded for this platform, if it has. */
export async function findNativeEngine(prisma: PrismaInstallation): Promise<string | undefined> {
  const directory = prisma.enginesDirectory;
  // Only then the platform is worth asking for: that runs programs.
  if (!readdirSync(directory).some((name) => name.startsWith('schema-engine-'))) return undefined;
  const load = createRequire(join(directory, 'package.json'));
  const { getBinaryTargetForCurrentPlatform } = load('@prisma/get-platform') as PlatformModule;
  const target = await getBinaryTargetForCurrentPlatform();
  const engine = join(directory, `schema-engine-${target}`);
  return existsSync(engine) ? engine : undefined;
}
