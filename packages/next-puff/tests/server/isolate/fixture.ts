import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { environment } from '../support/built-app.ts';

const NEXT = createRequire(import.meta.url).resolve('next/dist/bin/next');
// Below the tests, so that the copies find the packages of the workspace.
const BUILDS = join(import.meta.dirname, '../.puff');

/** Builds the fixture in a folder of its own. */
export async function buildFixture(basePath: string): Promise<string> {
  mkdirSync(BUILDS, { recursive: true });
  const dir = mkdtempSync(join(BUILDS, 'direct-'));
  cpSync(join(import.meta.dirname, 'fixture-app'), dir, { recursive: true });
  const child = spawn(process.execPath, [NEXT, 'build'], {
    cwd: dir,
    env: environment({ DATABASE_URL: '', FIXTURE_BASE_PATH: basePath }),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`next build failed:\n${output}`);
  return dir;
}

/** A copy for one server, which may write into it. */
export function copyOf(dir: string): string {
  const copy = mkdtempSync(join(BUILDS, 'direct-copy-'));
  cpSync(dir, copy, { recursive: true, preserveTimestamps: true });
  return copy;
}

export function removeFixture(dir: string | undefined): void {
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
}
