import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Runs `npm ci` unless node_modules already holds what package-lock.json asks for. */
export async function installPackages(root, children) {
  if (isInstalled(root)) return 'up to date';
  await children.run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, env: process.env });
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
