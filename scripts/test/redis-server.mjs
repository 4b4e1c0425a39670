import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['redis-server', 'valkey-server'];

/**
 * Installs the server's program. The package would also start a service on port 6379, and at every boot: `policy-rc.d` is
 * how Debian is told not to (invoke-rc.d(8)).
 */
const INSTALL = `
set -e
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod +x "$policy"
fi
apt-get update
apt-get install -y --no-install-recommends redis-server
if command -v systemctl > /dev/null; then systemctl disable --now redis-server || true; fi
`;

/**
 * Answers the path of a Redis server for the tests: the one that `REDIS_SERVER_BIN` names, or the PATH has. Where there is
 * none and the user may install packages on Debian or Ubuntu, it gets installed, and `announce` is told so.
 *
 * @throws where there is none, with the command that installs it
 */
export async function findRedisServer(children, announce) {
  const named = process.env.REDIS_SERVER_BIN;
  if (named) {
    if (isProgram(named)) return named;
    throw new Error(
      `REDIS_SERVER_BIN is ${named}, and that is no program. Name a redis-server or valkey-server, or unset it.`,
    );
  }
  const present = onPath();
  if (present) return present;

  const asRoot = existsSync('/etc/debian_version') && rootCommand();
  if (asRoot) {
    announce(
      'There is no redis-server on the PATH: it is installed with apt, without its service.',
    );
    const [file, ...args] = [...asRoot, 'sh', '-c', INSTALL];
    await children.run(file, args, { env: process.env });
    const installed = onPath();
    if (installed) return installed;
  }
  throw new Error(
    'redis-server (or valkey-server) was not found, and the tests run against a real one. Debian and Ubuntu: ' +
      '`sudo apt-get install redis-server`; macOS: `brew install redis`. Or name one in REDIS_SERVER_BIN.',
  );
}

/** What a command of root's starts with, or nothing where this user may not become root without a password. */
function rootCommand() {
  if (process.getuid() === 0) return [];
  try {
    execFileSync('sudo', ['-n', 'true'], { stdio: 'ignore' });
    return ['sudo', '-n'];
  } catch {
    return undefined;
  }
}

function onPath() {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
