// Makes contestants ready: packages, generated code, builds of Next.js and of Rust.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The folder with packages of its own, so that the repository needs none of them. */
export const CONTESTANTS = fileURLToPath(new URL('contestants', import.meta.url));

/** Runs a command; its output is shown only if it fails. */
async function command(file, options, { directory, env = {} }) {
  try {
    await run(file, options, {
      cwd: directory,
      env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', ...env },
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    throw new Error(`${file} ${options.join(' ')} failed:\n${error.stdout}${error.stderr}`);
  }
}

/** Installs the contestants' packages in their folder, if they are not the wanted ones already. */
export async function installPackages(directory = CONTESTANTS, more = []) {
  const wanted = readFileSync(`${directory}/package.json`, 'utf8');
  const installed = `${directory}/node_modules/.installed.json`;
  if (existsSync(installed) && readFileSync(installed, 'utf8') === wanted) return;
  const options = ['install', '--no-package-lock', '--no-audit', '--no-fund', ...more];
  await command('npm', options, { directory });
  writeFileSync(installed, wanted);
}

/** Generates the Prisma client of the contestants. */
export async function generatePrismaClient() {
  const cli = createRequire(`${CONTESTANTS}/`).resolve('prisma/build/index.js');
  await command(
    process.execPath,
    [cli, 'generate', '--no-hints', '--schema=prisma/schema.prisma'],
    {
      directory: CONTESTANTS,
      // Without a name for it Prisma downloads its schema engine, which `generate` never starts.
      env: { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath },
    },
  );
}

/** The program `next` that an app uses. */
export function nextProgram(app) {
  return createRequire(`${app}/`).resolve('next/dist/bin/next');
}

/** The program `next-puff`. */
export function puffProgram() {
  const manifest = createRequire(import.meta.url).resolve('next-puff/package.json');
  return join(dirname(manifest), 'bin/next-puff.js');
}

/** Builds an app of Next.js. */
export async function buildNext(app, env = {}) {
  await command(process.execPath, [nextProgram(app), 'build', app], { directory: app, env });
}

/** Builds a Rust program with optimisations and returns the folder that it is in. */
export async function buildRust(directory, options = []) {
  const target = process.env.CARGO_TARGET_DIR ?? `${directory}/target`;
  await command('cargo', ['build', '--release', '--target-dir', target, ...options], { directory });
  return `${target}/release`;
}

/** Keeps what another program of Node.js prints, and returns the file that it is in. */
export async function saveOutput(program, name) {
  const { stdout } = await run(process.execPath, [program], {
    cwd: dirname(program),
    env: { ...process.env, NODE_ENV: 'production' },
    maxBuffer: 64 * 1024 * 1024,
  });
  const file = join(mkdtempSync(join(tmpdir(), 'next-puff-bench-')), name);
  writeFileSync(file, stdout);
  return file;
}
