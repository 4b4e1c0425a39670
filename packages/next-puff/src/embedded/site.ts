import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PuffError } from '../errors.js';
import { type Account, canUse, giveTo, isRoot, ordinaryAccounts, ownerOf } from './account.js';
import {
  type Binaries,
  type BinaryPackage,
  binariesInPlace,
  copyBinaries,
  findBinaryPackage,
  majorVersion,
} from './binaries.js';
import { dataDirectory, type Layout, softwareDirectory } from './layout.js';

/** All that is needed to run a server: as whom, where, and with which programs. */
export interface Site {
  account: Account;
  layout: Layout;
  binaries: Binaries;
  /** Major version of the programs, which a data directory must match. */
  version: string;
}

/**
 * Finds a way to run PostgreSQL for a project and prepares its directories.
 *
 * As an ordinary user this is simply the project itself. As root, in this order: an account that can
 * reach the project, a user namespace, and last a directory under /var/lib, which is announced through
 * `log`. An existing data directory stays with the account that owns it.
 */
export function prepareSite(
  projectDirectory: string,
  layout: Layout,
  log: (line: string) => void,
): Site {
  const software = findBinaryPackage(projectDirectory);
  const account: Account | undefined = isRoot()
    ? rootSite(projectDirectory, layout, software)
    : { kind: 'self' };
  if (account !== undefined) return prepare(account, layout, software);

  const outside = outsideLayout(projectDirectory, layout);
  const fallback = ordinaryAccounts('/').find((candidate) => reaches(candidate, outside));
  if (fallback === undefined) {
    throw new PuffError(
      'PUFF_EMBEDDED_START_FAILED',
      'PostgreSQL refuses to run as root, and no other way was found: no account of /etc/passwd can ' +
        `reach ${layout.server} or ${outside.server}, and user namespaces are not available here.`,
      {
        hint: 'Run next-puff as an ordinary user, move the project to a directory that others can enter, or set DATABASE_URL.',
        operation: 'start',
      },
    );
  }
  log(
    `PostgreSQL cannot run as root and ${fallback.name} cannot enter ${projectDirectory}: the data is kept in ${outside.server}`,
  );
  return prepare(fallback, outside, software);
}

/** The account to use inside the project, or `undefined` when root finds none. */
function rootSite(
  projectDirectory: string,
  layout: Layout,
  software: BinaryPackage,
): Account | undefined {
  const data = dataDirectory(layout);
  const accounts = ordinaryAccounts(existsSync(data) ? data : projectDirectory);
  // Data of root can only have been made in a namespace; moving it to an account would be a surprise.
  const namespaceFirst = ownerOf(data) === 0;
  const namespace = namespaceAccount(accounts);
  if (namespaceFirst && canUseNamespace(namespace, layout, software)) return namespace;
  const usable = accounts.find((account) => reaches(account, layout));
  if (usable) return usable;
  return canUseNamespace(namespace, layout, software) ? namespace : undefined;
}

function namespaceAccount(accounts: { name: string; uid: number }[]): Account | undefined {
  // 65534 is what every id without a mapping looks like inside, so any other is clearer.
  const { name, uid } = accounts.find((candidate) => candidate.uid !== 65534) ?? accounts[0] ?? {};
  return name === undefined || uid === undefined ? undefined : { kind: 'namespace', name, uid };
}

function canUseNamespace(
  account: Account | undefined,
  layout: Layout,
  software: BinaryPackage,
): account is Account {
  if (account === undefined) return false;
  mkdirSync(layout.server, { recursive: true });
  return canUse(account, layout.server, join(software.native, 'bin', 'postgres'));
}

/** Tells whether the account can work in its directories of this layout. */
function reaches(account: Account, layout: Layout): boolean {
  const run = join(layout.server, 'run');
  mkdirSync(run, { recursive: true, mode: 0o755 });
  giveTo(account, run);
  return canUse(account, run, '/bin/sh');
}

function outsideLayout(projectDirectory: string, { state }: Layout): Layout {
  const hash = createHash('sha256').update(projectDirectory).digest('hex').slice(0, 12);
  return { state, server: join('/var/lib/next-puff', `${basename(projectDirectory)}-${hash}`) };
}

function prepare(account: Account, layout: Layout, software: BinaryPackage): Site {
  const run = join(layout.server, 'run');
  mkdirSync(run, { recursive: true, mode: 0o755 });
  giveTo(account, run);
  const inPlace = binariesInPlace(software);
  const binaries =
    inPlace && canUse(account, run, inPlace.postgres)
      ? inPlace
      : copyBinaries(software, softwareDirectory(layout));
  return { account, layout, binaries, version: majorVersion(binaries, account) };
}
