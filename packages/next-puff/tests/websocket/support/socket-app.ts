import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { environment } from '../../server/support/built-app.ts';

export const FIXTURE_DIR = join(import.meta.dirname, '..', 'fixture-app');
const NEXT = createRequire(import.meta.url).resolve('next/dist/bin/next');

/** Builds the app; each way to build it has its own output folder. */
export async function build(
  bundler: 'turbopack' | 'webpack',
  env: Record<string, string>,
): Promise<void> {
  const child = spawn(process.execPath, [NEXT, 'build', `--${bundler}`], {
    cwd: FIXTURE_DIR,
    env: environment({ DATABASE_URL: '', ...env }),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`next build --${bundler} failed:\n${output}`);
}
