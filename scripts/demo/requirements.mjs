import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Checks that the tools are there which npm cannot bring, and answers their versions. @throws when one is not. */
export function checkRequirements(root) {
  const node = process.versions.node;
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const neededNode = engines.node.replace('>=', '');
  if (isOlder(node, neededNode))
    throw new Error(
      `This is Node.js ${node}, and ${neededNode} or newer is needed: https://nodejs.org`,
    );

  const npm = version('npm');
  if (!npm) throw new Error('npm was not found. It comes with Node.js: https://nodejs.org');

  const cargo = version('cargo');
  if (!cargo)
    throw new Error(
      'cargo was not found, and the native core is built with it. Install Rust from https://rustup.rs, ' +
        'open a new terminal and try again.',
    );
  const neededCargo = rustVersion(root);
  if (neededCargo && isOlder(cargo, neededCargo))
    throw new Error(
      `This is Rust ${cargo}, and ${neededCargo} or newer is needed. With rustup: \`rustup update\`.`,
    );
  return `Node.js ${node}, npm ${npm}, Rust ${cargo}`;
}

function version(tool) {
  try {
    const text = execFileSync(tool, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return /\d+\.\d+(\.\d+)?/.exec(text)?.[0];
  } catch {
    return undefined;
  }
}

/** The oldest Rust that the native core declares to be built with, if it declares one. */
function rustVersion(root) {
  const manifest = readFileSync(join(root, 'packages/core-native/Cargo.toml'), 'utf8');
  return /^rust-version\s*=\s*"([\d.]+)"/m.exec(manifest)?.[1];
}

function isOlder(version, than) {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  for (let place = 0; place < 3; place++) {
    const difference = (a[place] ?? 0) - (b[place] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
