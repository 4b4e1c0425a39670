// Builds the native part of a benchmark.
import { execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const EXTENSIONS = { darwin: ['lib', 'dylib'], linux: ['lib', 'so'], win32: ['', 'dll'] };

/** Builds the crate in a folder of `bench/` and returns the path of its addon. */
export function buildAddon(folder, name) {
  const directory = fileURLToPath(new URL(`${folder}/`, import.meta.url));
  execFileSync('cargo', ['build', '--release', '--quiet'], { cwd: directory, stdio: 'inherit' });
  const [prefix, extension] = EXTENSIONS[process.platform] ?? EXTENSIONS.linux;
  const addon = `${directory}${name}.node`;
  copyFileSync(`${directory}target/release/${prefix}${name}.${extension}`, addon);
  return addon;
}
