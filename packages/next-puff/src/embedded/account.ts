import { execFileSync } from 'node:child_process';
import { chownSync, readFileSync, statSync } from 'node:fs';

/**
 * The operating-system account that PostgreSQL runs as.
 *
 * PostgreSQL refuses to run as root. For everyone else the account is their own (`self`). Root drops
 * to another account (`user`), or enters a user namespace in which root's own files belong to an
 * ordinary account (`namespace`), which works in directories that only root can enter.
 */
export type Account =
  | { kind: 'self' }
  | { kind: 'user'; name: string; uid: number; gid: number }
  | { kind: 'namespace'; name: string; uid: number };

/** How to run a command: program, arguments and the ids for `child_process`. */
export type AccountCommand = [string, string[], { uid?: number; gid?: number }];

/** Rewrites a command so that it runs as the account. */
export function commandAs(account: Account, [file = '', ...args]: string[]): AccountCommand {
  switch (account.kind) {
    case 'self':
      return [file, args, {}];
    case 'user':
      return [file, args, { uid: account.uid, gid: account.gid }];
    case 'namespace':
      return ['unshare', ['--user', `--map-user=${account.uid}`, '--', file, ...args], {}];
  }
}

/** Makes the account the owner of a file or directory. */
export function giveTo(account: Account, path: string): void {
  if (account.kind === 'user') chownSync(path, account.uid, account.gid);
  // Root's own files are the ones that belong to the account inside the namespace.
  if (account.kind === 'namespace') chownSync(path, 0, 0);
}

/** Tells whether the account can enter and write a directory and execute a file. */
export function canUse(account: Account, directory: string, executable: string): boolean {
  const test = 'test -w "$1" && cd "$1" && test -x "$2"';
  const [file, args, ids] = commandAs(account, [
    '/bin/sh',
    '-c',
    test,
    'sh',
    directory,
    executable,
  ]);
  try {
    // Its own cwd: an account that cannot enter ours could not even start.
    execFileSync(file, args, { ...ids, cwd: '/', stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Tells whether this process runs as root. */
export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/**
 * Returns the accounts that root can drop to for a project, best first: the owner of the given
 * directory (often the developer who used sudo), `postgres`, `nobody`.
 *
 * Only accounts of the passwd file count, since PostgreSQL looks its own account up there.
 */
export function ordinaryAccounts(directory: string): Extract<Account, { kind: 'user' }>[] {
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({
      kind: 'user' as const,
      name,
      uid: Number(uid),
      gid: Number(gid),
    }))
    .filter(({ name, uid }) => name !== '' && uid > 0);
  const owner = ownerOf(directory);
  return [
    ...accounts.filter(({ uid }) => uid === owner),
    ...accounts.filter(({ name }) => name === 'postgres'),
    ...accounts.filter(({ name }) => name === 'nobody'),
  ];
}

/** Returns the user id that owns a path, or `undefined` when it does not exist. */
export function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid;
}
