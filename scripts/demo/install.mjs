import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Installs what package-lock.json asks for, unless node_modules holds it already.
 *
 * Not by `npm ci`: it refuses a lockfile without the optional packages of every other platform, and npm writes such
 * lockfiles where a registry does not offer them. With `--no-save`, package-lock.json counts and is left as it is.
 */
export async function installPackages(root, children) {
  if (isInstalled(root)) return 'up to date';
  const args = ['install', '--no-save', '--no-audit', '--no-fund'];
  await children.run('npm', args, { cwd: root, env: process.env });
  return undefined;
}

/**
 * Compares package-lock.json with the lockfile that npm leaves in node_modules when an installation is complete: it
 * holds after `npm install` too, and not after an interrupted one.
 */
function isInstalled(root) {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const installed = readPackages(join(root, 'node_modules/.package-lock.json'));
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    const found = installed[path];
    // The hidden lockfile leaves out the root, and optional packages of other platforms.
    if (!found) return path === '' || entry.optional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}
